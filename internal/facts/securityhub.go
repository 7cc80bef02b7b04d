package facts

import "time"

// Hub is AWS Security Hub CSPM in a Region.
type Hub struct {
	Enabled   bool   `json:"enabled"`
	Generator string `json:"generator"` // SECURITY_CONTROL: one finding per control; STANDARD_CONTROL: one per control and standard
}

// HubV2 is the newer AWS Security Hub in a Region.
type HubV2 struct {
	Enabled bool `json:"enabled"`
}

// Standard is a security standard that is enabled in a Region.
type Standard struct {
	ARN    string `json:"arn"`
	Name   string `json:"name"`   // the ARN's end, such as cis-aws-foundations-benchmark/v/5.0.0
	Status string `json:"status"` // READY, PENDING, INCOMPLETE, DELETING, FAILED
}

// HubControl is one control in one standard, of those about the root user.
type HubControl struct {
	ID       string `json:"id"` // such as IAM.4
	Standard string `json:"standard"`
	Enabled  bool   `json:"enabled"`
}

// HubFindings are the active findings of the account itself in a Region.
type HubFindings struct {
	Suppressed     []string  `json:"suppressed"`      // controls about the root user with a suppressed finding
	OldestCritical time.Time `json:"oldest_critical"` // when the oldest open critical finding was made, zero if there is none
}

// HubConfiguration is what the organization's administrator of Security Hub set in a
// Region; of any other account it is empty.
type HubConfiguration struct {
	Administrator bool   `json:"administrator"` // this account is it
	Type          string `json:"type"`          // CENTRAL: by configuration policies; LOCAL
	AutoEnable    bool   `json:"auto_enable"`   // for new accounts
}

// FindingAggregator brings the findings of several Regions into one, its home. An
// account has one at most, for all Regions.
type FindingAggregator struct {
	Home    string   `json:"home" call:"securityhub:GetFindingAggregator"`    // "" if there is none
	Linking string   `json:"linking" call:"securityhub:GetFindingAggregator"` // ALL_REGIONS, ALL_REGIONS_EXCEPT_SPECIFIED, SPECIFIED_REGIONS, NO_REGIONS
	Regions []string `json:"regions" call:"securityhub:GetFindingAggregator"` // the specified ones
}
