"""Makes a user `ci` with keys, one `nobody` without rights, and a role `push`; prints their keys."""

import json
import sys

import boto3


def client(service, keys):
    return boto3.client(
        service,
        endpoint_url=sys.argv[1],
        region_name="eu-central-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
    )


def policy(*actions):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# The server lets the first few calls pass, so that there can be a first user.
iam = client("iam", {"AccessKeyId": "none", "SecretAccessKey": "none"})
iam.create_user(UserName="ci")
keys = iam.create_access_key(UserName="ci")["AccessKey"]
iam.put_user_policy(
    UserName="ci", PolicyName="all", PolicyDocument=policy("ecr:*", "sts:*", "iam:*")
)
iam = client("iam", keys)
iam.create_user(UserName="nobody")
nobody = iam.create_access_key(UserName="nobody")["AccessKey"]
trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
iam.create_role(
    RoleName="push",
    AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
)
iam.put_role_policy(RoleName="push", PolicyName="push", PolicyDocument=policy("ecr:*"))


def shown(keys):
    return {"access_key_id": keys["AccessKeyId"], "secret_access_key": keys["SecretAccessKey"]}


print(json.dumps({"ci": shown(keys), "nobody": shown(nobody)}))
