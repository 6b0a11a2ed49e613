/** A small fleet, as templates see it. */
import { toDirectory } from '../../src/model/directory.ts';
import type { EscapeKind } from '../../src/model/escape-kind.ts';
import { type TemplateView, toTemplateView } from '../../src/model/template-view.ts';
import { parseTemplate } from '../../src/render/template.ts';
import { instance, snapshot } from './instances.ts';

export const web = (n: number, tags: Readonly<Record<string, string>> = {}) =>
  instance({
    instanceId: `i-0000000${n}`,
    privateIpAddress: `10.0.0.${n}`,
    availabilityZone: n === 1 ? 'eu-west-1a' : 'eu-west-1b',
    groups: ['web'],
    tags: { Name: `web-${n}`, 'service:web': 'blue port=8080 weight=2', ...tags },
  });

/** Two with a name of which one is ready, and one with neither name nor service. */
export const directory = toDirectory(
  snapshot(
    web(1, { status: 'ready', owner: "O'Neill; $(echo pwned)", env: 'prod' }),
    web(2, { note: 'a\nb', 'nametag:aliases': 'cache:1' }),
    instance({ instanceId: 'i-00000003', privateIpAddress: '10.0.0.3', groups: ['web'] }),
  ),
);

export const view: TemplateView = toTemplateView(directory, {
  selector: { groups: ['web'] },
  domain: 'ec2.example.com',
});

export function render(text: string, kind: EscapeKind = 'plain', of = view): string {
  return parseTemplate({ path: 'a.liquid', text, escape: kind }).render(of);
}
