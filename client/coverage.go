package client

import "time"

// Coverage is of which hours of a year the logs are proven complete. What is not proven is
// not known: no absence can be claimed of it.
type Coverage struct {
	Year     int               `json:"year"`
	Account  string            `json:"account,omitempty" doc:"The one that was asked for"`
	Accounts []AccountCoverage `json:"accounts" doc:"That you may read, by number; at most 1,000"`
	More     int               `json:"more,omitempty" doc:"Accounts that are left out, and counted in the days"`
	Days     []CoveredDay      `json:"days" doc:"The days of the year up to today, the earliest first"`
	Regions  []RegionCoverage  `json:"regions" doc:"Of the account that was asked for: hours that are proven in single Regions"`
}

// AccountCoverage is how much of a year is proven of an account.
type AccountCoverage struct {
	Account string `json:"account"`
	Proven  int64  `json:"proven" doc:"Hours in all Regions"`
	Read    int64  `json:"read" doc:"Hours between the first and the last event that a hunt read, and that are not proven; at most"`
	Missing int64  `json:"missing" doc:"Hours of which nothing is known"`
}

// CoveredDay is how much of a day is proven.
type CoveredDay struct {
	Day     time.Time `json:"day"`
	Proven  int64     `json:"proven" doc:"Hours in all Regions, of all accounts together"`
	Partly  int64     `json:"partly" doc:"Hours in single Regions alone, of the account that was asked for"`
	Read    int64     `json:"read" doc:"Hours that a hunt read, and that are not proven, of all accounts together; at most"`
	Missing int64     `json:"missing" doc:"Hours of which nothing is known"`
}

// RegionCoverage is how much of a year is proven of a Region.
type RegionCoverage struct {
	Region string `json:"region"`
	Proven int64  `json:"proven" doc:"Hours, those in all Regions among them"`
}
