/**
 * Answers to `DescribeInstances` in the words and the layout of EC2's own, with ids of nobody.
 *
 * Source of the elements and their order: Amazon EC2 API Reference, "DescribeInstances", examples.
 */

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** A reservation of one instance in a VPC, with a volume, a network interface and an address. */
const inVpc = `        <item>
            <reservationId>r-1234567890abcdef0</reservationId>
            <ownerId>123456789012</ownerId>
            <groupSet/>
            <instancesSet>
                <item>
                    <instanceId>i-1234567890abcdef0</instanceId>
                    <imageId>ami-0abcdef1234567890</imageId>
                    <instanceState>
                        <code>16</code>
                        <name>running</name>
                    </instanceState>
                    <privateDnsName>ip-192-0-2-10.eu-west-1.compute.internal</privateDnsName>
                    <dnsName>ec2-203-0-113-7.eu-west-1.compute.amazonaws.com</dnsName>
                    <reason/>
                    <keyName>example_key</keyName>
                    <amiLaunchIndex>0</amiLaunchIndex>
                    <productCodes/>
                    <instanceType>t2.micro</instanceType>
                    <launchTime>2018-05-08T16:46:19.000Z</launchTime>
                    <placement>
                        <availabilityZone>eu-west-1c</availabilityZone>
                        <groupName/>
                        <tenancy>default</tenancy>
                    </placement>
                    <monitoring>
                        <state>disabled</state>
                    </monitoring>
                    <subnetId>subnet-0123456789abcdef0</subnetId>
                    <vpcId>vpc-0123456789abcdef0</vpcId>
                    <privateIpAddress>192.0.2.10</privateIpAddress>
                    <ipAddress>203.0.113.7</ipAddress>
                    <sourceDestCheck>true</sourceDestCheck>
                    <groupSet>
                        <item>
                            <groupId>sg-0123456789abcdef0</groupId>
                            <groupName>web &amp; proxy</groupName>
                        </item>
                    </groupSet>
                    <architecture>x86_64</architecture>
                    <rootDeviceType>ebs</rootDeviceType>
                    <blockDeviceMapping>
                        <item>
                            <deviceName>/dev/xvda</deviceName>
                            <ebs>
                                <volumeId>vol-0123456789abcdef0</volumeId>
                                <status>attached</status>
                                <attachTime>2015-12-22T10:44:09.000Z</attachTime>
                                <deleteOnTermination>true</deleteOnTermination>
                            </ebs>
                        </item>
                    </blockDeviceMapping>
                    <virtualizationType>hvm</virtualizationType>
                    <clientToken>xMcwG14507example</clientToken>
                    <tagSet>
                        <item>
                            <key>Name</key>
                            <value>Server_1</value>
                        </item>
                        <item>
                            <key>note</key>
                            <value>Zürich &lt;west&gt; &quot;a&quot;</value>
                        </item>
                    </tagSet>
                    <hypervisor>xen</hypervisor>
                    <networkInterfaceSet>
                        <item>
                            <networkInterfaceId>eni-0123456789abcdef0</networkInterfaceId>
                            <subnetId>subnet-0fedcba9876543210</subnetId>
                            <vpcId>vpc-0fedcba9876543210</vpcId>
                            <description>Primary network interface</description>
                            <ownerId>123456789012</ownerId>
                            <status>in-use</status>
                            <macAddress>02:00:00:00:00:01</macAddress>
                            <privateIpAddress>192.0.2.10</privateIpAddress>
                            <groupSet>
                                <item>
                                    <groupId>sg-0123456789abcdef0</groupId>
                                    <groupName>web &amp; proxy</groupName>
                                </item>
                                <item>
                                    <groupId>sg-00000000000000001</groupId>
                                    <groupName>base</groupName>
                                </item>
                            </groupSet>
                            <attachment>
                                <attachmentId>eni-attach-0123456789abcdef0</attachmentId>
                                <deviceIndex>0</deviceIndex>
                                <status>attached</status>
                            </attachment>
                            <association>
                                <publicIp>203.0.113.7</publicIp>
                                <ipOwnerId>amazon</ipOwnerId>
                            </association>
                            <privateIpAddressesSet>
                                <item>
                                    <privateIpAddress>192.0.2.10</privateIpAddress>
                                    <primary>true</primary>
                                </item>
                            </privateIpAddressesSet>
                            <ipv6AddressesSet>
                               <item>
                                   <ipv6Address>2001:db8:1234:1a2b::123</ipv6Address>
                               </item>
                           </ipv6AddressesSet>
                        </item>
                    </networkInterfaceSet>
                    <iamInstanceProfile>
                        <arn>arn:aws:iam::123456789012:instance-profile/example</arn>
                        <id>ABCAJEDNCAA64SSD123AB</id>
                    </iamInstanceProfile>
                    <ebsOptimized>false</ebsOptimized>
                    <cpuOptions>
                        <coreCount>1</coreCount>
                        <threadsPerCore>1</threadsPerCore>
                    </cpuOptions>
                </item>
            </instancesSet>
        </item>
`;

/** A reservation of two that were terminated, which have lost their network. */
const terminated = `        <item>
            <reservationId>r-0598c7d356eba48d7</reservationId>
            <ownerId>123456789012</ownerId>
            <requesterId>226008221399</requesterId>
            <groupSet/>
            <instancesSet>${[0, 1]
              .map(
                (index) => `
                <item>
                    <instanceId>i-0598c7d356eba48d${index}</instanceId>
                    <imageId>ami-0abcdef1234567890</imageId>
                    <instanceState>
                        <code>48</code>
                        <name>terminated</name>
                    </instanceState>
                    <privateDnsName/>
                    <dnsName/>
                    <reason>User initiated (2018-05-09 10:00:00 GMT)</reason>
                    <amiLaunchIndex>${index}</amiLaunchIndex>
                    <productCodes/>
                    <instanceType>m5.large</instanceType>
                    <launchTime>2018-05-09T09:00:0${index}.000Z</launchTime>
                    <placement>
                        <availabilityZone>eu-west-1a</availabilityZone>
                        <groupName/>
                        <tenancy>default</tenancy>
                    </placement>
                    <stateReason>
                        <code>Client.UserInitiatedShutdown</code>
                        <message>Client.UserInitiatedShutdown: User initiated shutdown</message>
                    </stateReason>
                    <groupSet/>
                    <tagSet>
                        <item>
                            <key>aws:autoscaling:groupName</key>
                            <value/>
                        </item>
                    </tagSet>
                    <networkInterfaceSet/>
                </item>`,
              )
              .join('')}
            </instancesSet>
        </item>
`;

const whole = (reservations: string, after = ''): string =>
  `${declaration}<DescribeInstancesResponse ` +
  `xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>8f7724cf-496f-496e-8fe3-example</requestId>
    <reservationSet>
${reservations}    </reservationSet>
${after}</DescribeInstancesResponse>
`;

const nextToken = '    <nextToken>eyJ2IjoiMiIsImMiOiJleGFtcGxlLXRva2VuIn0=</nextToken>\n';

/** What each is, and the document. */
export const exampleAnswers: readonly (readonly [string, string])[] = [
  ['one instance in a VPC', whole(inVpc)],
  ['two that were terminated', whole(terminated)],
  ['a page of several, with more to come', whole(inVpc + terminated + inVpc, nextToken)],
  ['nobody', whole('')],
  [
    'nobody, in one element',
    `${declaration}<DescribeInstancesResponse><reservationSet/>
</DescribeInstancesResponse>`,
  ],
];

/**
 * A fleet of hosts of a few kinds that come in turn: with and without a public address, IPv6, a
 * second interface or a key, with more tags or fewer, some with what is not plain text.
 */
export function mixedAnswer(size: number, choose: (ways: number) => number): string {
  const reservations = Array.from({ length: size }, (_, place) => {
    const without = ['dnsName', 'ipAddress', 'keyName', 'ipv6AddressesSet', 'iamInstanceProfile'];
    let text = inVpc.replaceAll('1234567890abcdef0', String(place).padStart(17, '0'));
    for (const name of without) {
      if (choose(2) === 0) continue;
      text = text.replace(new RegExp(`\\s*<${name}>[\\s\\S]*?</${name}>`), '');
    }
    const tags = Array.from(
      { length: choose(4) },
      (_, index) =>
        `<item><key>t${index}</key><value>${['é', '&amp;', place][choose(3)]}</value></item>`,
    );
    text = text.replace('<tagSet>', `<tagSet>${tags.join('')}`);
    // EC2 promises no order of elements.
    if (choose(3) === 0) {
      const [tagSet = ''] = /<tagSet>[\s\S]*<\/tagSet>/.exec(text) ?? [];
      text = text.replace(tagSet, '').replace('<imageId>', `${tagSet}<imageId>`);
    }
    return text;
  });
  return whole(reservations.join(''), choose(2) === 0 ? nextToken : '');
}
