package known

// Quotas in characters (IAM User Guide, "IAM and AWS STS quotas"; Organizations
// User Guide, "Quotas for AWS Organizations"). White space between elements does
// not count.
const (
	IdentityQuota = 10_240 // the largest: all inline policies of a role
	ManagedQuota  = 6_144
	ResourceQuota = 20_480 // an S3 bucket policy; other resources take less or more
	TrustQuota    = 2_048  // default; 8,192 at most
	SCPQuota      = 10_240
	OldSCPQuota   = 5_120
	RCPQuota      = 5_120
)
