package facts

// Analyzer is an analyzer of IAM Access Analyzer. A member does not see those that its
// organization has in another account.
type Analyzer struct {
	ARN    string `json:"arn"`
	Type   string `json:"type"`   // ACCOUNT, ORGANIZATION: external access; with _UNUSED_ACCESS or _INTERNAL_ACCESS behind it: that
	Status string `json:"status"` // ACTIVE, CREATING, DISABLED, FAILED
}
