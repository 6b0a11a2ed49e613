/**
 * Names and service lookup for Amazon EC2 with no database.
 *
 * @module nametag
 */

export {
  type ChangeMasterOutcome,
  type ChangeMasterRequest,
  changeMaster,
} from './change-master.ts';
export type { ClaimOutcome, ClaimTally, Undecided } from './claim/protocol.ts';
export { type AliasOutcome, type AliasRequest, claimAliases } from './claim-aliases.ts';
export { type ClaimPlan, type ClaimRequest, claimName, planClaim } from './claim-name.ts';
export { type Ec2GatewayOptions, ec2Gateway, type OpenEc2Options, openEc2 } from './ec2/gateway.ts';
export {
  type ErrorCode,
  errorCodes,
  isNametagError,
  NametagError,
  type NametagErrorOptions,
} from './errors.ts';
export { createClaimLock } from './host/claim-lock.ts';
export { systemClock } from './host/clock.ts';
export { imdsMetadata, type MetadataOptions } from './host/metadata.ts';
export { type OpenDirectoryOptions, openDirectory } from './library.ts';
export type { AddressKind } from './model/address.ts';
export { type AliasOmission, type AliasOmissionReason, parseAliasList } from './model/alias.ts';
export type { Conflict, Directory, Member } from './model/directory.ts';
export type { Endpoint, Question, Selection } from './model/endpoint.ts';
export type { Instance, InstanceState, SecurityGroup } from './model/instance.ts';
export type { Omission, OmissionReason, Selector, TagTest } from './model/selector.ts';
export {
  type NumberingOptions,
  parseSeries,
  type Series,
  type SeriesWords,
  type ServiceType,
} from './model/series.ts';
export {
  defineServices,
  type ResolvedServices,
  type ServiceDefinition,
  type ServiceDefinitions,
} from './model/service.ts';
export type { ServiceChange, ServicesDifference } from './model/service-change.ts';
export type { Snapshot } from './model/snapshot.ts';
export { defaultVocabulary, type Vocabulary } from './model/tags.ts';
export type { RefreshOptions, ServiceDirectory } from './open-directory.ts';
export type * from './ports.ts';
export { type ReleaseOutcome, type ReleaseRequest, releaseName } from './release-name.ts';
export { type Resolution, type ResolveRequest, resolve } from './resolve.ts';
export { withinVpc } from './within-vpc.ts';
