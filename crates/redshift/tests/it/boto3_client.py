"""Asks the fake of AWS for what the connector asks, and fails where an answer is not what the SDK expects."""

import sys

import boto3
from botocore.exceptions import ClientError

url, key, secret, external_id = sys.argv[1:]


def client(service, key=key, secret=secret, token=None):
    return boto3.client(service, endpoint_url=url, region_name="eu-west-1", aws_access_key_id=key,
                        aws_secret_access_key=secret, aws_session_token=token)


named = {"DbUser": "ann", "DbName": "dev", "ClusterIdentifier": "examplecluster", "AutoCreate": False}
login = client("redshift").get_cluster_credentials(**named)
assert (login["DbUser"], login["DbPassword"]) == ("IAM:ann", "a&b<c"), login
assert login["Expiration"].year > 2000
login = client("redshift").get_cluster_credentials_with_iam(DbName="dev", ClusterIdentifier="examplecluster")
assert login["DbPassword"] == "a&b<c"
login = client("redshift-serverless").get_credentials(dbName="dev", workgroupName="examplegroup")
assert (login["dbUser"], login["dbPassword"]) == ("IAM:ann", "a&b<c"), login
role = client("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/reader", RoleSessionName="test",
                                 ExternalId=external_id)["Credentials"]
client("redshift", role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"]).get_cluster_credentials(**named)

for service, call, code in [
    ("redshift", lambda c: c.get_cluster_credentials(**named), "SignatureDoesNotMatch"),
    ("redshift-serverless", lambda c: c.get_credentials(dbName="dev", workgroupName="examplegroup"),
     "InvalidSignatureException"),
]:
    try:
        call(client(service, secret="another"))
        raise AssertionError("a wrong signature was taken")
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
