import { type FileHandle, open } from 'node:fs/promises';
import { NametagError } from '../errors.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';

/**
 * Reads a file from its beginning, up to this many bytes; `undefined` if there is none.
 *
 * What a person names may be a device or a pipe, and need not end.
 *
 * @throws {@link NametagError} with code `NAMETAG_INPUT_UNREADABLE`.
 */
export async function readBounded(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const bytes = new Uint8Array(bytesMax);
    let length = 0;
    while (length < bytesMax) {
      const { bytesRead } = await file.read(bytes, length, bytesMax - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(cause) ?? '')) return undefined;
    const details = { path, fact: systemErrorFact(cause) };
    throw new NametagError('NAMETAG_INPUT_UNREADABLE', details, { cause });
  } finally {
    await file?.close();
  }
}
