import { type ActionName, actionNames } from './actions.ts';
import { Ec2Error, missingParameter } from './ec2-error.ts';
import type { Filter } from './filters.ts';
import { Form } from './form.ts';
import { reservationsXml, reservationXml, stateXml } from './instance-xml.ts';
import type { LaunchInterface, LaunchRequest } from './launch.ts';
import type { RequestTag } from './tag-rules.ts';
import type { InstancesRequest, ListRequest, StateChange, TagsRequest, World } from './world.ts';
import { writeXml, type Xml } from './xml.ts';

/** What is sent back over HTTP. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

type Content = { readonly [name: string]: Xml };

/** Reads a request and gives what carries it out, so that a bad one does nothing. */
type Action = (form: Form, world: World) => () => Content;

const namespace = 'http://ec2.amazonaws.com/doc/2016-11-15/';

// Signatures in the query instead of a header.
const signature =
  /^(?:X-Amz-[A-Za-z-]+|AWSAccessKeyId|Signature(?:Version|Method)?|Timestamp|Expires)$/;

/**
 * Answers one request of EC2's Query API.
 *
 * @throws `LostAnswer` when the client is to get no answer.
 */
export function answerApi(
  world: World,
  parameters: ReadonlyMap<string, string>,
  requestId: string,
): ApiAnswer {
  const name = parameters.get('Action');
  try {
    const content = carryOut(world, name, parameters);
    return { status: 200, body: writeXml(`${name}Response`, { requestId, ...content }, namespace) };
  } catch (error) {
    if (!(error instanceof Ec2Error)) throw error;
    const { code, message, status } = error;
    const content = { Errors: { Error: { Code: code, Message: message } }, RequestID: requestId };
    return { status, body: writeXml('Response', content) };
  }
}

function carryOut(
  world: World,
  name: string | undefined,
  parameters: ReadonlyMap<string, string>,
): Content {
  if (name === undefined) {
    throw new Ec2Error('MissingAction', 'The request must contain the parameter Action');
  }
  const known = actionNames.find((action) => action === name);
  if (known === undefined) {
    throw new Ec2Error('InvalidAction', `The action ${name} is not valid for this web service.`);
  }
  const own = [...parameters].filter(([key]) => !signature.test(key));
  const form = new Form(new Map(own));
  form.ignore(['Action', 'Version']);
  const run = actions[known](form, world);
  form.refuseOthers();
  return run();
}

const describeInstances: Action = (form, world) => {
  const request = { ...readList(form), instanceIds: form.texts('InstanceId') };
  return () => {
    const { items, nextToken } = world.describeInstances(request);
    const bare = items.length > 0 && world.drawsBare();
    const reservationSet = bare
      ? [{ instancesSet: items.map(() => ({ imageId: 'ami-00000000000000000' })) }]
      : reservationsXml(items, world.ownerId);
    return { reservationSet, nextToken };
  };
};

const describeTags: Action = (form, world) => {
  const request = readList(form);
  return () => {
    const { items, nextToken } = world.describeTags(request);
    const tagSet = items.map(({ resourceId, key, value }) => ({
      resourceId,
      resourceType: 'instance',
      key,
      value,
    }));
    return { tagSet, nextToken };
  };
};

const describeSecurityGroups: Action = (form, world) => {
  const request = {
    ...readList(form),
    groupIds: form.texts('GroupId'),
    groupNames: form.texts('GroupName'),
  };
  return () => {
    const { items, nextToken } = world.describeSecurityGroups(request);
    const securityGroupInfo = items.map((group) => ({
      ownerId: world.ownerId,
      groupId: group.groupId,
      groupName: group.groupName,
      groupDescription: group.description,
      vpcId: group.vpcId,
      ipPermissions: [],
      ipPermissionsEgress: [],
    }));
    return { securityGroupInfo, nextToken };
  };
};

const createTags: Action = (form, world) => {
  const request = readTagsRequest(form);
  return () => {
    world.createTags(request);
    return { return: true };
  };
};

const deleteTags: Action = (form, world) => {
  const request = readTagsRequest(form);
  return () => {
    world.deleteTags(request);
    return { return: true };
  };
};

const runInstances: Action = (form, world) => {
  const request = readLaunch(form);
  return () => reservationXml(world.runInstances(request), world.ownerId);
};

const startInstances: Action = (form, world) => {
  const request = readInstances(form);
  form.ignore(['AdditionalInfo']);
  return () => changesXml(world.startInstances(request));
};

const stopInstances: Action = (form, world) => {
  const request = readInstances(form);
  form.ignore(['Force', 'Hibernate', 'SkipOsShutdown']);
  return () => changesXml(world.stopInstances(request));
};

const terminateInstances: Action = (form, world) => {
  const request = readInstances(form);
  form.ignore(['Force', 'SkipOsShutdown']);
  return () => changesXml(world.terminateInstances(request));
};

const actions: { readonly [Name in ActionName]: Action } = {
  CreateTags: createTags,
  DeleteTags: deleteTags,
  DescribeInstances: describeInstances,
  DescribeSecurityGroups: describeSecurityGroups,
  DescribeTags: describeTags,
  RunInstances: runInstances,
  StartInstances: startInstances,
  StopInstances: stopInstances,
  TerminateInstances: terminateInstances,
};

function readList(form: Form): ListRequest {
  return {
    filters: form.parts('Filter').map(readFilter),
    maxResults: form.wholeNumber('MaxResults'),
    // A client that pages may send the empty token at first.
    nextToken: form.text('NextToken') || undefined,
    dryRun: form.flag('DryRun'),
  };
}

function readFilter(form: Form): Filter {
  const name = form.text('Name');
  if (!name) throw missingParameter('Filter.Name');
  return { name, values: form.texts('Value') };
}

function readTagsRequest(form: Form): TagsRequest {
  return {
    resources: form.texts('ResourceId'),
    tags: form.parts('Tag').map(readTag),
    dryRun: form.flag('DryRun'),
  };
}

function readTag(form: Form): RequestTag {
  return { key: form.text('Key') ?? '', value: form.text('Value') };
}

function readInstances(form: Form): InstancesRequest {
  return { instanceIds: form.texts('InstanceId'), dryRun: form.flag('DryRun') };
}

// What an instance has besides changes nothing that can be seen here.
const ignoredAtLaunch: readonly string[] = [
  'BlockDeviceMapping',
  'CpuOptions',
  'CreditSpecification',
  'DisableApiStop',
  'DisableApiTermination',
  'EbsOptimized',
  'EnclaveOptions',
  'HibernationOptions',
  'IamInstanceProfile',
  'InstanceInitiatedShutdownBehavior',
  'InstanceMarketOptions',
  'KeyName',
  'MaintenanceOptions',
  'MetadataOptions',
  'Monitoring',
  'Placement',
  'PrivateDnsNameOptions',
  'UserData',
];

function readLaunch(form: Form): LaunchRequest {
  form.ignore(ignoredAtLaunch);
  const minCount = form.wholeNumber('MinCount');
  const maxCount = form.wholeNumber('MaxCount');
  if (minCount === undefined) throw missingParameter('MinCount');
  if (maxCount === undefined) throw missingParameter('MaxCount');
  const tags = form.parts('TagSpecification').flatMap((specification) => {
    const type = specification.text('ResourceType');
    const all = specification.parts('Tag').map(readTag);
    return type === 'instance' ? all : [];
  });
  return {
    imageId: form.text('ImageId'),
    minCount,
    maxCount,
    instanceType: form.text('InstanceType'),
    availabilityZone: form.text('Placement.AvailabilityZone'),
    subnetId: form.text('SubnetId'),
    groupIds: form.texts('SecurityGroupId'),
    groupNames: form.texts('SecurityGroup'),
    privateIpAddress: form.text('PrivateIpAddress'),
    networkInterfaces: form.parts('NetworkInterface').map(readInterface),
    tags,
    clientToken: form.text('ClientToken') || undefined,
    dryRun: form.flag('DryRun'),
  };
}

function readInterface(form: Form): LaunchInterface {
  for (const name of ['DeviceIndex', 'AssociatePublicIpAddress', 'DeleteOnTermination']) {
    form.text(name);
  }
  return {
    subnetId: form.text('SubnetId'),
    groupIds: form.texts('SecurityGroupId'),
    privateIpAddress: form.text('PrivateIpAddress'),
  };
}

function changesXml(changes: readonly StateChange[]): Content {
  return {
    instancesSet: changes.map(({ instanceId, current, previous }) => ({
      instanceId,
      currentState: stateXml(current),
      previousState: stateXml(previous),
    })),
  };
}
