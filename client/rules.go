package client

import "time"

// RuleCatalogue is what the server detects with. Names and titles of own detections are as
// their files have them: escape them.
type RuleCatalogue struct {
	Rules    []Rule        `json:"rules" doc:"By name"`
	Problems []RuleProblem `json:"problems" doc:"Of files: what could not be loaded, and warnings"`
	Fault    string        `json:"fault,omitempty" doc:"Why files that changed since are not used: the detections that were loaded before hold"`
}

// Rule is a detection that holds, with what it came to in live events.
type Rule struct {
	Name       string    `json:"name"`
	ID         string    `json:"id"`
	Title      string    `json:"title"`
	Level      string    `json:"level" enum:"informational,low,medium,high,critical"`
	Kind       string    `json:"kind" doc:"event, or the kind of correlation"`
	Tactic     string    `json:"tactic,omitempty" doc:"Of ATT&CK"`
	Techniques []string  `json:"techniques" doc:"Of ATT&CK"`
	Author     string    `json:"author,omitempty"`
	Opens      string    `json:"opens,omitempty" doc:"Name of a runbook"`
	File       string    `json:"file"`
	DryRun     bool      `json:"dry_run,omitempty" doc:"On trial: nobody is told of its alerts"`
	Guarded    bool      `json:"guarded,omitempty" doc:"Its alerts are never suppressed"`
	Matches    int       `json:"matches" doc:"Of seven days; left at 0 for who does not read everywhere"`
	Alerts     int       `json:"alerts" doc:"Of seven days; left at 0 for who does not read everywhere"`
	ByDay      []int     `json:"by_day" doc:"Matches of each of the seven days, the earliest first; empty for who does not read everywhere"`
	Fired      time.Time `json:"fired,omitzero" doc:"The hour in which it last matched, of the last 90 days"`
}

// RuleProblem is something in the file of a detection.
type RuleProblem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Warning bool   `json:"warning,omitempty" doc:"The rest of the file is used"`
	Message string `json:"message"`
}
