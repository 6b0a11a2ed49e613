"""Prints the private address of every running instance with tag env=prod, by boto3's paginator.

The endpoint is the first argument.
"""
import sys

import boto3

client = boto3.client("ec2", endpoint_url=sys.argv[1], region_name="eu-west-1")
pages = client.get_paginator("describe_instances").paginate(
    Filters=[
        {"Name": "tag:env", "Values": ["prod"]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ],
    PaginationConfig={"PageSize": 1000},
)
for page in pages:
    for reservation in page["Reservations"]:
        for instance in reservation["Instances"]:
            print(instance["PrivateIpAddress"])
