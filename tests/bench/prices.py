"""What AWS charges, in dollars (us-east-1, on demand, as listed in 2026). The one place to change them.

Free tiers are left out: they belong to the account, and other things in it may use them up.
"""

from __future__ import annotations

# For a million of each.
WRITE_UNIT = 0.625
READ_UNIT = 0.125
API_REQUEST = 1.00
LAMBDA_REQUEST = 0.20
# 0.40, and 0.10 for queues whose messages have groups.
SQS_REQUEST = 0.50
KMS_REQUEST = 3.00
S3_PUT = 5.00
S3_GET = 0.40

# Of S3 what is no PUT is a GET, but deleting is free.
S3_PUTS = (
    "PutObject",
    "CopyObject",
    "CreateMultipartUpload",
    "UploadPart",
    "CompleteMultipartUpload",
    "ListObjectsV2",
)
S3_FREE = ("DeleteObject", "DeleteObjects", "AbortMultipartUpload")

# arm64.
GB_SECOND = 0.0000133334

# On top, for what lies there and goes out: a GB a month in the tables, and of their continuous backups; a GB of logs,
# and out to the internet.
TABLE_GB_MONTH = 0.25
BACKUP_GB_MONTH = 0.20
FILE_GB_MONTH = 0.023
LOG_GB = 0.50
TRANSFER_GB = 0.09
# Bytes: what DynamoDB counts for an item beside its content, what Lambda itself logs of an invocation, and the gateway
# of a request.
ITEM_OVERHEAD = 100
INVOCATION_LOG = 400
REQUEST_LOG = 350

# What a deployment needs when nobody uses it, a month.
KEY_MONTH = 1.00
ALARM_MONTH = 0.10
MINUTES_MONTH = 43_800
# Lambda asks each queue with so many receives at a time, each of which waits for 20 seconds.
IDLE_RECEIVES_A_MINUTE = 5 * 3

# The usual alternative: one small always-on server with its database and queue, a month.
SERVER_MONTH = 75.00

# Seconds that one call of a service takes beside our own CPU: typical medians inside a region.
CALL_SECONDS = {"dynamodb": 0.004, "sqs": 0.006, "s3": 0.025, "kms": 0.006, "sesv2": 0.05}
# Lambda gives a function one whole CPU at so many MB, and its share below.
CPU_MB = 1769
