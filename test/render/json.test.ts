import { describe, expect, test } from 'vitest';
import { toDirectory } from '../../src/model/directory.ts';
import { select } from '../../src/model/endpoint.ts';
import { renderJson, renderResolveJson } from '../../src/render/json.ts';
import { instance, snapshot } from '../helpers/instances.ts';

describe('renderResolveJson', () => {
  const first = {
    Name: 'web-0',
    'nametag:aliases': 'cache/2',
    'service:web': 'port=80 weight=5',
  };
  const directory = toDirectory(
    snapshot(
      instance({ instanceId: 'i-1', tags: first }),
      instance({ instanceId: 'i-2', tags: { Name: 'web-0', 'nametag:aliases': 'cache/1' } }),
    ),
  );

  test('has the shape of version 1', () => {
    const { endpoints, omitted } = select(directory, { selector: { service: 'web' } });
    const text = renderResolveJson({
      regions: ['eu-west-1'],
      stale: true,
      ageMs: 42_999,
      unconfirmed: ['i-2'],
      endpoints,
      conflicts: directory.conflicts,
      omitted,
      aliasOmissions: directory.aliasOmissions,
    });
    expect(text).toBe(`{
  "version": 1,
  "regions": [
    "eu-west-1"
  ],
  "stale": true,
  "ageSeconds": 42,
  "unconfirmed": [
    "i-2"
  ],
  "endpoints": [
    {
      "name": "web-0",
      "aliases": [
        "cache"
      ],
      "host": "10.0.0.1",
      "port": 80,
      "instanceId": "i-1",
      "region": "eu-west-1",
      "availabilityZone": "eu-west-1a",
      "priority": 0,
      "weight": 5
    }
  ],
  "conflicts": [
    {
      "name": "web-0",
      "winner": "i-1",
      "losers": [
        "i-2"
      ]
    }
  ],
  "omitted": [
    {
      "instanceId": "i-2",
      "reason": "does not offer the service",
      "seen": ""
    }
  ],
  "aliasOmissions": [
    {
      "instanceId": "i-2",
      "alias": "cache",
      "reason": "alias held by another",
      "seen": "i-1"
    }
  ]
}
`);
  });

  test('writes what there is none of as null', () => {
    const bare = toDirectory(snapshot(instance({ availabilityZone: undefined })));
    const { endpoints, omitted } = select(bare, { selector: {} });
    const text = renderResolveJson({
      regions: [],
      stale: false,
      ageMs: 0,
      unconfirmed: [],
      endpoints,
      conflicts: [],
      omitted,
      aliasOmissions: [],
    });
    const [endpoint] = JSON.parse(text).endpoints;
    expect(endpoint).toMatchObject({ name: null, port: null, availabilityZone: null });
  });
});

describe('renderJson', () => {
  test('keeps any text in its string', () => {
    const value = { seen: 'a"b\n\u0000\u2028\\' };
    expect(JSON.parse(renderJson(value))).toEqual(value);
    expect(renderJson(value).split('\n')).toHaveLength(4);
  });
});
