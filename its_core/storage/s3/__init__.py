"""Objects on S3, through botocore: requests, errors, transfers."""
