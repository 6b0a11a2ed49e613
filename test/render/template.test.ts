import { describe, expect, it } from 'vitest';
import { toDirectory } from '../../src/model/directory.ts';
import { toTemplateView } from '../../src/model/template-view.ts';
import { snapshot } from '../helpers/instances.ts';
import { render, web } from '../helpers/templates.ts';

describe('a template', () => {
  it.each([
    ['{{ region }}', 'eu-west-1'],
    ['{% for i in instances %}{{ i.nameOrId }} {% endfor %}', 'web-1 web-2 i-00000003 '],
    ['{{ services.web | map: "host" | join: "," }}', '10.0.0.1,10.0.0.2'],
    ['{{ services.web[0].port }} {{ instances[0].port | default: "-" }}', '8080 -'],
    ['{{ services.web[0].labels | first }} {{ services.web[0].weight }}', 'blue 2'],
    ['{{ instances[0].fqdn }}', 'web-1.ec2.example.com'],
    ['{{ instances | where: "ready" | map: "name" | join: " " }}', 'web-1'],
    ['{{ instances | reject: "ready" | map: "nameOrId" | join: " " }}', 'web-2 i-00000003'],
    ['{{ instances | where: "services", "web" | size }}', '2'],
    ['{{ instances | where: "services", "gone" | size }}', '0'],
    ['{{ instances | where: "availabilityZone", "eu-west-1b" | map: "name" | first }}', 'web-2'],
    ['{{ instances | where: "tags.env", "prod" | map: "tags.env" | join: "" }}', 'prod'],
    [
      '{{ instances | map: "availabilityZone" | uniq | sort | join: " " }}',
      'eu-west-1a eu-west-1b',
    ],
    ['{{ "100,20,3" | split: "," | sort | join: " " }}', '100 20 3'],
    ['{{ services.web[0] | hostport }}', '10.0.0.1:8080'],
    ['{{ instances[0] | hostport: 9100 }}', '10.0.0.1:9100'],
    ['{{ "2001:db8::5" | hostport: 80 }}', '[2001:db8::5]:80'],
    ['{{ "web-1.example.com" | regex }}', 'web-1\\.example\\.com'],
    ['{{ instances[0].tags.owner | shell }}', "'O'\\''Neill; $(echo pwned)'"],
    ['{{ instances[1].tags.note | json }}', '"a\\nb"'],
    ['{{ instances[1].tags.note | raw }}', 'a\nb'],
    ['{{ instances[0].tags.gone | default: "none" }}', 'none'],
    ['{% if instances[0].tags.gone %}yes{% else %}no{% endif %}', 'no'],
    [
      '{% for tag in instances[0].tags %}{{ tag[0] }} {% endfor %}',
      'Name env owner service:web status ',
    ],
    ['{% for s in services %}{{ s[0] }}={{ s[1].size }}{% endfor %}', 'web=2'],
    ['{% assign a = "x" | append: region %}{{ a }}', 'xeu-west-1'],
    ['{% case region %}{% when "eu-west-1" %}here{% else %}there{% endcase %}', 'here'],
    ['{% unless region %}a{% endunless %}{% comment %}b{% endcomment %}{% # c %}', ''],
    ['{% raw %}{{ region }}{% endraw %}', '{{ region }}'],
    ['{% for i in instances %}{% continue %}a{% endfor %}', ''],
    ['{% for i in instances %}{{ i.name }}{% break %}{% endfor %}', 'web-1'],
  ])('%s makes %j', (text, made) => {
    expect(render(text)).toBe(made);
    expect(render(text)).toBe(render(text));
  });

  it.each([
    ['\n {{ instances[0].raedy }}', 'line 2, column 5: undefined variable: instances.0.raedy'],
    ['{{ nothing }}', ': line 1, column 4: undefined variable: nothing. No file'],
    ['{% assign %}', ': line 1, column 10: expected variable name. No file'],
    ['{% if instances[0].raedy %}{% endif %}', 'undefined variable: instances.0.raedy'],
    ['{{ instances | where: "raedy" }}', 'no field `raedy` (did you mean "ready"?)'],
    ['{{ instances | map: "tags.a.b" }}', 'no field `tags.a.b`'],
    ['{{ services.wbe }}', 'no instance here offers the service `wbe` (did you mean "web"?)'],
    ['{{ region | upper }}', 'undefined filter: upper'],
    ['{{ "now" | date: "%s" }}', 'undefined filter: date'],
    ['{{ instances | sample }}', 'undefined filter: sample'],
    ['{% include "/etc/passwd" %}', 'tag "include" not found'],
    ['{% render "/etc/passwd" %}', 'tag "render" not found'],
    ['{% echo region %}', 'tag "echo" not found'],
    ['{% cycle region %}', 'tag "cycle" not found'],
    ['{% capture a %}{% endcapture %}', 'tag "capture" not found'],
    ['{% for i in instances %}', 'column 1: tag {% for i in instances %} not closed. No file'],
    ['{{ instances[0].tags.gone }}', 'it has no value; ask with `if`'],
    ['{{ instances[0].tags.gone | upcase }}', '`upcase` is given no value'],
    ['{{ instances[2].name | raw }}', '`raw` is given no value'],
    ['{{ instances }}', 'it is a list'],
    ['{{ instances | raw }}', 'it is a list'],
    ['{{ instances[0] }}', 'it is not text'],
    ['{{ instances[0].constructor }}', 'undefined variable: instances.0.constructor'],
    ['{{ instances[0].tags.__proto__ }}', 'it has no value'],
    ['{{ instances[0] | hostport }}', 'no port is known'],
    ['{{ 1 | divided_by: 0 }}', 'it is not a number'],
    ['{{ instances[1].tags.note }}', '"a\\nb", the tag "note" of web-2 (i-00000002): control'],
    ['{% for i in (1..99999999) %}{% endfor %}', 'memory alloc limit exceeded'],
  ])('%s is a mistake: %s', (text, problem) => {
    const details = { code: 'NAMETAG_BAD_TEMPLATE', message: expect.stringContaining(problem) };
    expect(() => render(text)).toThrow(expect.objectContaining(details));
  });

  it('tells what JSON it makes is wrong', () => {
    expect(() => render('[{% for i in instances %}{{ i.host }},{% endfor %}]', 'json')).toThrow(
      'Could not render a.liquid: what it makes is not JSON',
    );
  });

  it.each([
    ['json', '{{ instances | map: "host" | json }}', '["10.0.0.1","10.0.0.2","10.0.0.3"]'],
    ['json', '"{{ instances[1].tags.note }}"', '"a\\nb"'],
    ['json', '{{ instances[1].tags.note }}', '"a\\nb"'],
    ['shell', 'A={{ instances[0].tags.owner | shell }}', "A='O'\\''Neill; $(echo pwned)'"],
    ['shell', 'A="{{ instances[0].tags.owner | shell }}"', 'A="O\'Neill; \\$(echo pwned)"'],
    ['shell', 'A={{ instances | map: "host" | json }}', `A='["10.0.0.1","10.0.0.2","10.0.0.3"]'`],
  ] as const)('in %s, %s is %s', (kind, text, made) => {
    expect(render(text, kind)).toBe(made);
  });

  it('sorts numbers as numbers, and what has no value behind them', () => {
    const ports = [90, 1000, undefined, 200].map((port, i) =>
      web(i + 1, { 'service:web': port === undefined ? '' : `port=${port}` }),
    );
    const of = toTemplateView(toDirectory(snapshot(...ports)), { selector: {} });
    const sorted = '{% assign s = services.web | sort: "port" %}{{ s | map: "name" | join: " " }}';
    expect(render(sorted, 'plain', of)).toBe('web-1 web-4 web-2 web-3');
  });

  it('makes the same bytes whatever the order in which EC2 gives tags', () => {
    const text = '{% for tag in instances[0].tags %}{{ tag[0] }}={{ tag[1] }} {% endfor %}';
    const tags = { 'service:web': 'port=80', b: '1', a: '2', status: 'ready' };
    const backward = Object.fromEntries(Object.entries(tags).reverse());
    const [one, other] = [tags, backward].map((given) =>
      render(text, 'plain', toTemplateView(toDirectory(snapshot(web(1, given))), { selector: {} })),
    );
    expect(one).toBe('Name=web-1 a=2 b=1 service:web=port=80 status=ready ');
    expect(other).toBe(one);
  });
});
