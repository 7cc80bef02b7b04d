package facts

// Detector is a GuardDuty detector; all is empty where there is none.
type Detector struct {
	Status    string            `json:"status"`    // ENABLED; DISABLED: suspended
	Frequency string            `json:"frequency"` // of publishing: FIFTEEN_MINUTES, ONE_HOUR, SIX_HOURS
	Features  []DetectorFeature `json:"features"`
}

// DetectorFeature is one source of data, or one kind of protection.
type DetectorFeature struct {
	Name    string `json:"name"` // such as S3_DATA_EVENTS
	Enabled bool   `json:"enabled"`
}

// DetectorConfiguration is what the organization's administrator of GuardDuty set in a
// Region; of any other account it is empty.
type DetectorConfiguration struct {
	Administrator bool   `json:"administrator"` // this account is it
	Members       string `json:"members"`       // whose detectors it turns on: ALL, NEW, NONE
}

// Filter is a filter of GuardDuty findings. One that archives what it matches is a
// suppression rule.
type Filter struct {
	Name     string      `json:"name"`
	Archives bool        `json:"archives"`
	Criteria []Criterion `json:"criteria"` // all of them hold for what it matches
}

// Criterion is one condition on a field of findings; of several lists and bounds all
// hold.
type Criterion struct {
	Field      string   `json:"field"` // such as severity or resource.accessKeyDetails.userName
	Equals     []string `json:"equals"`
	NotEquals  []string `json:"not_equals"`
	Matches    []string `json:"matches"` // with * and ? for any text and any character
	NotMatches []string `json:"not_matches"`
	Bounds     []Bound  `json:"bounds"`
}

// Bound is a limit of a number.
type Bound struct {
	Operator string `json:"operator"` // gt, gte, lt, lte
	Value    int64  `json:"value"`
}
