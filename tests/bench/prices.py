"""What AWS charges, in dollars (us-east-1, on demand, as listed in 2026). The one place to change them."""

from __future__ import annotations

# For a million of each.
WRITE_UNIT = 0.625
READ_UNIT = 0.125
API_REQUEST = 1.00
LAMBDA_REQUEST = 0.20
SQS_REQUEST = 0.40
KMS_REQUEST = 3.00
S3_PUT = 5.00
S3_GET = 0.40
MAIL = 100.00

# arm64.
GB_SECOND = 0.0000133334
GB_STORED_MONTH = 0.25
LOG_GB = 0.50

# The usual alternative: one small always-on server with its database and queue, a month.
SERVER_MONTH = 75.00

# Seconds that one call of a service takes beside our own CPU: typical medians inside a region.
CALL_SECONDS = {"dynamodb": 0.004, "sqs": 0.006, "s3": 0.025, "kms": 0.006, "sesv2": 0.05}
# Lambda gives a function one whole CPU at so many MB, and its share below.
CPU_MB = 1769
