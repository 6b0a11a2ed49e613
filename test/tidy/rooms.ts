/** Who may import whom. CONTRIBUTING.md shows the same table. */

export interface Room {
  readonly name: string;
  /** Rooms it may import from; always itself too. Only rooms above it in the table. */
  readonly project: readonly string[];
  /** Packages and Node modules it may import; `node:*` means any of Node's. */
  readonly outside: readonly string[];
}

const pure = ['errors', 'model', 'claim', 'dns', 'render', 'config'];
const adapted = ['errors', 'model', 'ports', 'deadline'];
const wired = [...pure, 'ports', 'deadline', 'use cases', 'ec2', 'host', 'server'];

export const rooms: readonly Room[] = [
  { name: 'errors', project: [], outside: [] },
  { name: 'model', project: ['errors'], outside: [] },
  { name: 'claim', project: ['errors', 'model'], outside: [] },
  { name: 'dns', project: ['errors', 'model'], outside: [] },
  { name: 'render', project: ['errors', 'model', 'dns'], outside: ['diff', 'liquidjs'] },
  { name: 'config', project: ['errors', 'model'], outside: ['zod'] },
  { name: 'ports', project: ['model'], outside: [] },
  { name: 'deadline', project: [], outside: [] },
  { name: 'use cases', project: [...pure, 'ports', 'deadline'], outside: [] },
  {
    name: 'ec2',
    project: adapted,
    outside: [
      '@aws-sdk/client-ec2',
      '@aws-sdk/core/client',
      '@aws-sdk/credential-providers',
      '@smithy/core/checksum',
      '@smithy/core/retry',
      '@smithy/signature-v4',
      'p-retry',
      'node:*',
    ],
  },
  { name: 'host', project: adapted, outside: ['node:*'] },
  { name: 'server', project: [...adapted, 'dns'], outside: ['prom-client', 'node:*'] },
  { name: 'sandbox', project: adapted, outside: ['zod', 'node:*'] },
  { name: 'library', project: wired, outside: [] },
  { name: 'index', project: [...wired, 'library'], outside: [] },
  { name: 'cli', project: [...wired, 'sandbox'], outside: ['commander', 'node:*'] },
];

/** Rooms with no input but their arguments. */
export const pureRooms: readonly string[] = pure;

/** The files from which a program starts or a caller imports; everything else hangs on them. */
export const entries: readonly string[] = [
  'src/index.ts',
  'src/sandbox/index.ts',
  'src/cli/main.ts',
];

/** The room of a file below `src/`: its folder, its own name, or the use cases. */
export function roomOf(path: string): string {
  const [, first = '', second] = path.split('/');
  if (second !== undefined) return first;
  const name = first.replace(/\.ts$/, '');
  return rooms.some((room) => room.name === name) ? name : 'use cases';
}
