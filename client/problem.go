package client

import "fmt"

// ProblemType is the media type of errors (RFC 9457).
const ProblemType = "application/problem+json"

// Problem is an error of the server (RFC 9457, Problem Details for HTTP APIs). Its text
// may hold what came from AWS: make it harmless before a terminal gets it.
type Problem struct {
	Type     string  `json:"type"`             // /problems/KIND; stable
	Title    string  `json:"title"`            // the same for all problems of a type
	Status   int     `json:"status"`           // of HTTP
	Detail   string  `json:"detail,omitempty"` // of this one
	Instance string  `json:"instance,omitempty"`
	Errors   []Fault `json:"errors,omitempty"`
}

// Fault is what is wrong with one part of a request.
type Fault struct {
	Message  string `json:"message"`
	Location string `json:"location,omitempty"` // body.items[3].name, query.limit
	Value    any    `json:"value,omitempty"`
}

// Error is the detail, or the title, with each fault.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	for _, f := range p.Errors {
		text += fmt.Sprintf("; %s: %s", f.Location, f.Message)
	}
	return text
}
