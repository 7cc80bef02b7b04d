package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rootkeep/rootkeep/tools/iambench/medium"
)

//go:embed engine.mjs
var driver []byte

// timing is what the driver of iam-simulate prints; times are in microseconds.
type timing struct {
	Decision    string  `json:"decision"`
	Engine      float64 `json:"engine"`
	Unvalidated float64 `json:"unvalidated"`
}

// theirs is the time of iam-simulate for the medium principal's question.
func (s *subject) theirs(unvalidated bool) (figure, error) {
	if why := s.runOther(); why != "" {
		return figure{absent: why}, nil
	}
	if s.other.Decision != "Allowed" {
		return figure{}, fmt.Errorf("decision: got %q, want Allowed as ours is", s.other.Decision)
	}
	if unvalidated {
		return figure{value: s.other.Unvalidated}, nil
	}
	return figure{value: s.other.Engine}, nil
}

func (s *subject) ratio() (figure, error) {
	if why := s.runOther(); why != "" {
		return figure{absent: why}, nil
	}
	return figure{value: s.other.Engine * 1e3 / s.decision}, nil
}

// runOther runs the driver once. The text says why it could not.
func (s *subject) runOther() (why string) {
	if s.other != nil {
		return ""
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return "node is not installed"
	}
	if _, err := os.Stat(filepath.Join(s.oracle, "node_modules/@cloud-copilot/iam-simulate")); err != nil {
		return "npm package @cloud-copilot/iam-simulate is not installed: make setup"
	}
	input, err := json.Marshal(simulation())
	if err != nil {
		return err.Error()
	}
	script := filepath.Join(s.oracle, "engine.mjs")
	if err := os.WriteFile(script, driver, 0o644); err != nil {
		return err.Error()
	}
	cmd := exec.Command(node, script, s.oracle, fmt.Sprint(s.options.each.Milliseconds()))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "its driver failed: " + err.Error()
	}
	var t timing
	if err := json.Unmarshal(out, &t); err != nil {
		return "its driver printed no answer: " + err.Error()
	}
	s.other = &t
	return ""
}

// simulation is the medium principal's question in iam-simulate's form.
func simulation() any {
	named := func(texts []medium.Text) []any {
		out := []any{}
		for _, t := range texts {
			out = append(out, map[string]any{"name": t.Name, "policy": json.RawMessage(t.Policy)})
		}
		return out
	}
	texts := medium.Policies()
	levels := []any{}
	for i, l := range texts.SCPs {
		levels = append(levels, map[string]any{"orgIdentifier": fmt.Sprint("level-", i), "policies": named(l)})
	}
	context := map[string]string{} // it takes lists for multivalued keys only
	for k, v := range medium.Context() {
		context[k] = v[0]
	}
	return map[string]any{
		"request": map[string]any{
			"principal": medium.Principal, "action": medium.Action, "contextVariables": context,
			"resource": map[string]any{"resource": medium.Resource, "accountId": medium.Account},
		},
		"identityPolicies": named(texts.Identity), "serviceControlPolicies": levels, "resourceControlPolicies": []any{},
		"permissionBoundaryPolicies": named(texts.Boundary),
	}
}
