package facts

// Region is one AWS Region that is enabled for the account, with what its services
// say of themselves there. Each further field is what one call tells.
type Region struct {
	Name  string `json:"name" call:"account:ListRegions"`
	OptIn bool   `json:"opt_in" call:"account:ListRegions"` // off unless somebody enables it
	// EBSEncryption says that new volumes are encrypted whatever their request says.
	EBSEncryption bool `json:"ebs_encryption" call:"ec2:GetEbsEncryptionByDefault"`

	// AWS Config, see config.go.
	Recorders      []Recorder         `json:"recorders" call:"config:DescribeConfigurationRecorders"`
	RecorderStates []RecorderState    `json:"recorder_states" call:"config:DescribeConfigurationRecorderStatus"`
	Deliveries     []Delivery         `json:"deliveries" call:"config:DescribeDeliveryChannelStatus"`
	ConfigRules    ConfigRules        `json:"config_rules" call:"config:DescribeConfigRules"`
	FailingRules   []FailingRule      `json:"failing_rules" call:"config:DescribeConfigRuleEvaluationStatus"`
	Aggregators    []ConfigAggregator `json:"config_aggregators" call:"config:DescribeConfigurationAggregators"`

	// AWS Security Hub, see securityhub.go.
	Hub              Hub              `json:"hub" call:"securityhub:DescribeHub"`
	HubV2            HubV2            `json:"hub_v2" call:"securityhub:DescribeSecurityHubV2"`
	Standards        []Standard       `json:"standards" call:"securityhub:GetEnabledStandards"`
	HubControls      []HubControl     `json:"hub_controls" call:"securityhub:BatchGetStandardsControlAssociations"`
	HubFindings      HubFindings      `json:"hub_findings" call:"securityhub:GetFindings"`
	HubAdministrator string           `json:"hub_administrator" call:"securityhub:GetAdministratorAccount"` // account number, "" for none
	HubOrganization  HubConfiguration `json:"hub_organization" call:"securityhub:DescribeOrganizationConfiguration"`

	// Amazon GuardDuty, see guardduty.go.
	Detectors             []string              `json:"detectors" call:"guardduty:ListDetectors"` // IDs, of which a Region has one at most
	Detector              Detector              `json:"detector" call:"guardduty:GetDetector"`
	DetectorAdministrator string                `json:"detector_administrator" call:"guardduty:GetAdministratorAccount"` // account number, "" for none
	DetectorOrganization  DetectorConfiguration `json:"detector_organization" call:"guardduty:DescribeOrganizationConfiguration"`
	Filters               []Filter              `json:"finding_filters" call:"guardduty:GetFilter"`
	HighFindings          Count                 `json:"high_findings" call:"guardduty:ListFindings"` // open, of this account, of severity 7 and more

	// IAM Access Analyzer, see analyzer.go.
	Analyzers      []Analyzer `json:"analyzers" call:"access-analyzer:ListAnalyzers"`
	ActiveFindings Count      `json:"active_findings" call:"access-analyzer:ListFindings"` // of the analyzers of external access
}

// Count is how many things there are. Counting stops where the answer no longer
// matters, so that its cost is bounded.
type Count struct {
	N    int  `json:"n"`
	More bool `json:"more"` // there are more than N
}
