"""Objects on S3, through s3fs: requests, errors, transfers."""
