package facts

import "time"

// Attested is what people vouch for in the register, because AWS does not tell it.
type Attested struct {
	RootDevices           int       `json:"root_devices" call:"attestation"`            // MFA devices of the root user
	RootPhishingResistant bool      `json:"root_phishing_resistant" call:"attestation"` // one of them is a FIDO key or passkey
	DevicesTested         time.Time `json:"devices_tested" call:"attestation"`          // of all devices the one whose last test is oldest
	CustodianChanged      time.Time `json:"custodian_changed" call:"attestation"`       // when the root password last passed to another person
	PasswordApartFromMFA  bool      `json:"password_apart_from_mfa" call:"attestation"` // different people hold them
	MailboxApartFromPhone bool      `json:"mailbox_apart_from_phone" call:"attestation"`
	GroupMailbox          bool      `json:"group_mailbox" call:"attestation"`    // the root mailbox is read by a group and used for one account
	DrillPassed           time.Time `json:"drill_passed" call:"attestation"`     // the last emergency drill that passed
	DigestsVerified       time.Time `json:"digests_verified" call:"attestation"` // until when the digest chain of the trails is verified, by rootkeep trail verify
	SpendingWatched       bool      `json:"spending_watched" call:"attestation"` // something other than a billing alarm warns of spending, such as an anomaly monitor
	AlarmTested           time.Time `json:"alarm_tested" call:"attestation"`     // when an event made for it last reached a person
	RootEmail             string    `json:"root_email" call:"attestation"`       // the mail address that root signs in with
	// RootWindows are the times in which a use of the root user was approved.
	RootWindows []RootWindow `json:"root_windows" call:"attestation"`

	// What the organization has in another of its accounts, which this one cannot see.
	OrganizationAggregator     bool `json:"organization_aggregator" call:"attestation"`      // AWS Config's, of all accounts and Regions
	OrganizationAnalyzer       bool `json:"organization_analyzer" call:"attestation"`        // IAM Access Analyzer's of external access, in every Region
	OrganizationUnusedAnalyzer bool `json:"organization_unused_analyzer" call:"attestation"` // and of unused access
	OrganizationGuardDutyRules bool `json:"organization_guardduty_rules" call:"attestation"` // no suppression rule of GuardDuty's administrator hides findings about root
}

// RootWindow is a time in which root may be used, both ends included.
type RootWindow struct {
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Reason string    `json:"reason"` // such as a request's number
}

// Decided is what the organization has chosen, in the register: what is approved is
// not AWS's to tell.
type Decided struct {
	OwnedDomains       []string `json:"owned_domains" call:"decision"` // of mail addresses
	ApprovedRegions    []string `json:"approved_regions" call:"decision"`
	SecurityAccounts   []string `json:"security_accounts" call:"decision"`    // account numbers that may be delegated administrators
	LogArchiveAccounts []string `json:"log_archive_accounts" call:"decision"` // account numbers that keep trails' logs
	KnownAccounts      []string `json:"known_accounts" call:"decision"`       // account numbers outside the organization that may be trusted
	LogRetentionDays   int      `json:"log_retention_days" call:"decision"`
	// KeyServices are the services, as the credential report names them (s3, sts), that
	// long-term access keys may be used for.
	KeyServices []string `json:"key_services" call:"decision"`
	// KeyRotation says how often access keys are changed; a user is of the first class that
	// names it.
	KeyRotation []RotationClass `json:"key_rotation" call:"decision"`
}

// RotationClass is how long access keys of some users live.
type RotationClass struct {
	Class string   `json:"class"` // such as pipelines
	Users []string `json:"users"` // names of IAM users; "*" is every user
	Days  int      `json:"days"`
}
