import { expect, test } from 'vitest';
import { cacheFolderOf } from '../../src/host/cache-folder.ts';

test.each([
  [0, { HOME: '/root', XDG_CACHE_HOME: '/x' }, '/var/cache/nametag'],
  [1000, { HOME: '/h', XDG_CACHE_HOME: '/x' }, '/x/nametag'],
  [1000, { HOME: '/h', XDG_CACHE_HOME: '' }, '/h/.cache/nametag'],
  [1000, { HOME: '/h', XDG_CACHE_HOME: 'relative' }, '/h/.cache/nametag'],
  [undefined, { HOME: '/h' }, '/h/.cache/nametag'],
  [1000, { HOME: '' }, undefined],
  [1000, {}, undefined],
  [0, { CACHE_DIRECTORY: '/var/cache/a:/var/cache/b' }, '/var/cache/a'],
  [0, { CACHE_DIRECTORY: '/var/cache/a', NAMETAG_CACHE_DIR: '/own' }, '/own'],
  [0, { CACHE_DIRECTORY: '', NAMETAG_CACHE_DIR: '' }, '/var/cache/nametag'],
])('for uid %j and %j the folder for snapshots is %j', (uid, env, folder) => {
  expect(cacheFolderOf(env, uid)).toBe(folder);
});
