package facts

// Trail is a CloudTrail trail. Of an organization trail a member sees a shadow.
type Trail struct {
	ARN          string `json:"arn" call:"cloudtrail:DescribeTrails"`
	Name         string `json:"name" call:"cloudtrail:DescribeTrails"`
	Region       string `json:"region" call:"cloudtrail:DescribeTrails"` // where it was seen, its home if that is enabled
	MultiRegion  bool   `json:"multi_region" call:"cloudtrail:DescribeTrails"`
	GlobalEvents bool   `json:"global_events" call:"cloudtrail:DescribeTrails"`
	Organization bool   `json:"organization" call:"cloudtrail:DescribeTrails"`
	Validation   bool   `json:"validation" call:"cloudtrail:DescribeTrails"` // digest files are written
	Bucket       string `json:"bucket" call:"cloudtrail:DescribeTrails"`
	Key          string `json:"key" call:"cloudtrail:DescribeTrails"`       // KMS key, "" for none
	LogGroup     string `json:"log_group" call:"cloudtrail:DescribeTrails"` // ARN of its CloudWatch log group, "" for none
	Logging      bool   `json:"logging" call:"cloudtrail:GetTrailStatus"`
}
