import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isNametagError } from '../src/errors.ts';
import { shortDigest } from '../src/host/digest.ts';
import type { Files } from '../src/ports.ts';
import { updateHosts } from '../src/update-hosts.ts';

const profiles = ['web', 'db', 'web-2'] as const;

/** Files of this process alone; `corrupt` is what becomes of the bytes on their way to the disk. */
function memoryFiles(
  contents: Map<string, Buffer>,
  corrupt: (bytes: Buffer) => Buffer = (bytes) => bytes,
): Files {
  return {
    read: async (path) => contents.get(path),
    update: async (path, compose) => {
      const old = contents.get(path);
      const { bytes, report } = compose(old);
      if (old?.equals(bytes)) return { change: 'unchanged', report };
      contents.set(path, corrupt(Buffer.from(bytes)));
      return { change: old === undefined ? 'created' : 'replaced', report };
    },
  };
}

/** What is not in one of these blocks: another way to say it than that of the code. */
function outside(text: string, names: readonly string[]): string {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  let inside: string | undefined;
  return lines
    .filter((line, i) => {
      const start = i === 0 ? line.replace(/^\xef\xbb\xbf/, '') : line;
      const [, word, name = ''] = /^# (BEGIN|END) nametag (\S+)\s/.exec(start) ?? [];
      const wasInside = inside !== undefined;
      if (word === 'BEGIN' && names.includes(name)) inside = name;
      if (word === 'END' && name === inside) inside = undefined;
      return !wasInside && inside === undefined;
    })
    .join('');
}

const piece = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)) }),
  fc.constantFrom(
    '\n',
    '\r\n',
    '\0',
    '\xc3',
    '\xff\xfe',
    '127.0.0.1\tlocalhost\n',
    '10.0.0.1\tweb-1\r\n',
    '\n# BEGIN nametag web\n',
    '\n# END nametag web\n',
    '\n# BEGIN nametag db (generated) sha256:0123456789ab\n10.0.0.7\tdb-7\n# END nametag db\n',
    '\n# BEGIN nametag web.legacy\n# END nametag web.legacy\n',
    '\n# BEGIN nametag other\n',
    '\n# END nametag other\n',
  ),
);
const file = fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join(''));
const run = fc.record({
  profile: fc.constantFrom(...profiles),
  numbers: fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { maxLength: 6 }),
  legacy: fc.option(fc.constantFrom('10.8.0.1 printer', '10.8.0.2 a\r\n10.8.0.3 b\xe9\n'), {
    nil: undefined,
  }),
});

// Goal: whatever a file says, and whoever has blocks in it, a run changes its own blocks alone, or
// nothing; and a second run of the same changes nothing.
// Method: files of arbitrary bytes, with line ends and markers, whole and broken, made likely.
const property = (corrupt?: (bytes: Buffer) => Buffer) =>
  fc.asyncProperty(file, fc.array(run, { minLength: 1, maxLength: 4 }), async (text, runs) => {
    const contents = new Map([['hosts', Buffer.from(text, 'latin1')]]);
    const ports = { files: memoryFiles(contents, corrupt), digest: shortDigest };
    for (const { profile, numbers, legacy } of runs) {
      const before = contents.get('hosts')?.toString('latin1') ?? '';
      contents.set('legacy', Buffer.from(legacy ?? '', 'latin1'));
      const update = () =>
        updateHosts(ports, {
          path: 'hosts',
          profile,
          entries: numbers.map((n) => ({ address: `10.0.0.${n}`, names: [`${profile}-${n}`] })),
          region: 'eu-west-1',
          mayEmpty: true,
          force: true,
          legacyPath: legacy === undefined ? undefined : 'legacy',
        });
      try {
        await update();
      } catch (error) {
        if (!isNametagError(error, 'NAMETAG_BLOCK_BROKEN')) throw error;
        expect(contents.get('hosts')?.toString('latin1')).toBe(before);
        continue;
      }
      const after = contents.get('hosts')?.toString('latin1') ?? '';
      const own = legacy === undefined ? [profile] : [profile, `${profile}.legacy`];
      const rest = outside(before, own);
      expect([rest, `${rest}\n`]).toContain(outside(after, own));
      expect(await update()).toMatchObject({ kind: 'unchanged', edited: false, added: 0 });
    }
  });

describe('every byte outside the blocks of a run', () => {
  test('is the same after it, or the run is refused', async () => {
    await fc.assert(property(), { seed: 20261121, numRuns: 1000 });
  });

  test.each([
    ['decoded as UTF-8', (bytes: Buffer) => Buffer.from(bytes.toString('utf8'))],
    [
      'freed of CRLF',
      (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace(/\r\n/g, '\n'), 'latin1'),
    ],
    ['cut at its end', (bytes: Buffer) => bytes.subarray(0, -1)],
  ])('is found to differ when it is %s (the control)', async (_, corrupt) => {
    const found = await fc.check(property(corrupt), { seed: 20261121, numRuns: 1000 });
    expect(found.failed).toBe(true);
  });
});
