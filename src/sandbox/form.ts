import { Ec2Error, invalidParameterValue } from './ec2-error.ts';

/** The parameters of a request, as EC2's Query API numbers them: `Filter.1.Value.2=x`. */
export class Form {
  readonly #values: ReadonlyMap<string, string>;
  readonly #prefix: string;
  // Shared with the parts of this form.
  readonly #read: Set<string>;

  constructor(values: ReadonlyMap<string, string>, prefix = '', read: Set<string> = new Set()) {
    this.#values = values;
    this.#prefix = prefix;
    this.#read = read;
  }

  /** The value, which may be empty, or `undefined` when the parameter is not there. */
  text(name: string): string | undefined {
    const key = this.#prefix + name;
    this.#read.add(key);
    return this.#values.get(key);
  }

  flag(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^true$/i.test(text)) return true;
    if (/^false$/i.test(text)) return false;
    throw invalidParameterValue(`Invalid value '${text}' for ${name}; expecting true or false`);
  }

  wholeNumber(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw invalidParameterValue(`Invalid value '${text}' for ${name}; expecting a whole number`);
  }

  /** The values of a numbered list. */
  texts(name: string): string[] {
    return this.#numbersOf(name).flatMap((n) => this.text(`${name}.${n}`) ?? []);
  }

  /** The parts of a numbered list, each a form of its own. */
  parts(name: string): Form[] {
    return this.#numbersOf(name).map(
      (n) => new Form(this.#values, `${this.#prefix}${name}.${n}.`, this.#read),
    );
  }

  /** Takes note of parameters that change nothing here. */
  ignore(names: readonly string[]): void {
    for (const key of this.#values.keys()) {
      if (names.some((name) => key === name || key.startsWith(`${name}.`))) this.#read.add(key);
    }
  }

  /** @throws {@link Ec2Error} `UnknownParameter` if there is one that nobody has read. */
  refuseOthers(): void {
    for (const key of this.#values.keys()) {
      if (this.#read.has(key)) continue;
      throw new Ec2Error('UnknownParameter', `The parameter ${key} is not recognized`);
    }
  }

  #numbersOf(name: string): number[] {
    const start = `${this.#prefix}${name}.`;
    const numbers = new Set<number>();
    for (const key of this.#values.keys()) {
      if (!key.startsWith(start)) continue;
      const number = /^\d{1,5}/.exec(key.slice(start.length))?.[0];
      if (number !== undefined) numbers.add(Number(number));
    }
    return [...numbers].sort((a, b) => a - b);
  }
}
