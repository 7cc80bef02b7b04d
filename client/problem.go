package client

import (
	"errors"
	"fmt"
	"strings"
)

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

// Kind is the last part of the type: not-found.
func (p *Problem) Kind() string { return p.Type[strings.LastIndex(p.Type, "/")+1:] }

// Error is the detail, or the title, with each fault.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if text == "" {
		text = fmt.Sprintf("status %d", p.Status)
	}
	for _, f := range p.Errors {
		switch {
		case f.Location != "":
			text += fmt.Sprintf("; %s: %s", f.Location, f.Message)
		case !strings.Contains(text, f.Message):
			text += "; " + f.Message
		}
	}
	return text
}

// Is says whether an error is a problem of this kind.
func Is(err error, kind string) bool {
	var p *Problem
	return errors.As(err, &p) && p.Kind() == kind
}
