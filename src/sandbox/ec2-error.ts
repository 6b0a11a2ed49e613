/**
 * A request that EC2 refuses, in EC2's own words.
 *
 * Codes and statuses: EC2 Developer Guide, "Error codes for the Amazon EC2 API".
 */
export class Ec2Error extends Error {
  override readonly name: string = 'Ec2Error';
  /** Such as `InvalidInstanceID.NotFound`. */
  readonly code: string;
  /** The HTTP status that goes with the code. */
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/**
 * The client of this request gets no answer, and cannot tell whether it was carried out.
 *
 * The world knows; whoever serves the request closes the connection.
 */
export class LostAnswer extends Error {
  override readonly name: string = 'LostAnswer';

  constructor() {
    super('The connection was closed before an answer was sent.');
  }
}

/** Says which parameter a request lacks. */
export function missingParameter(name: string): Ec2Error {
  return new Ec2Error('MissingParameter', `The request must contain the parameter ${name}`);
}

/** Says which value a parameter cannot have. */
export function invalidParameterValue(message: string): Ec2Error {
  return new Ec2Error('InvalidParameterValue', message);
}

/** Says which instances are not there. */
export function instancesNotFound(ids: readonly string[]): Ec2Error {
  const what = ids.length === 1 ? 'instance ID' : 'instance IDs';
  const verb = ids.length === 1 ? 'does not exist' : 'do not exist';
  const text = ids.join(', ');
  return new Ec2Error('InvalidInstanceID.NotFound', `The ${what} '${text}' ${verb}`);
}
