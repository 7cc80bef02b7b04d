// Package rootkeep holds the nouns that every part of rootkeep shares: accounts,
// ARNs, severities, the values of one CloudTrail record, actors and alerts. It
// imports the standard library only.
package rootkeep

import (
	"errors"
	"fmt"
	"strings"
)

// AccountID is a 12-digit AWS account number. It is text, never a number:
// 012345670123 keeps its leading zero.
type AccountID string

// ParseAccountID accepts exactly twelve ASCII digits.
func ParseAccountID(s string) (AccountID, error) {
	if len(s) != 12 || strings.Trim(s, "0123456789") != "" {
		return "", fmt.Errorf("account ID %q: want 12 digits", s)
	}
	return AccountID(s), nil
}

// Region is an AWS Region code such as eu-west-3. It is not checked against a
// list: Regions appear faster than programs are released.
type Region string

// ParseRegion accepts what a Region code looks like, such as eu-west-3 or us-gov-east-1:
// lower-case words and a number joined by hyphens. A Region becomes part of a host name,
// so nothing else may pass.
func ParseRegion(s string) (Region, error) {
	parts := strings.Split(s, "-")
	ok := len(parts) >= 3 && len(s) <= 32
	for i, p := range parts {
		letters := "abcdefghijklmnopqrstuvwxyz"
		if i == len(parts)-1 {
			letters = "0123456789"
		}
		ok = ok && p != "" && strings.Trim(p, letters) == ""
	}
	if !ok {
		return "", fmt.Errorf("region %q: want a code such as eu-west-3", s)
	}
	return Region(s), nil
}

// Partition is the part of AWS that the Region lies in, aws for all that are open to
// everybody.
func (r Region) Partition() string {
	switch {
	case strings.HasPrefix(string(r), "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(string(r), "cn-"):
		return "aws-cn"
	}
	return "aws"
}

// ARN is an Amazon Resource Name, split at its first five colons
// (AWS General Reference, "Amazon Resource Names (ARNs)").
type ARN struct {
	Partition, Service string
	Region             Region
	Account            AccountID
	Resource           string
}

// ParseARN splits s. Parts may be empty, as in arn:aws:s3:::bucket.
func ParseARN(s string) (ARN, error) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" {
		return ARN{}, fmt.Errorf("ARN %q: want arn:partition:service:region:account:resource", s)
	}
	return ARN{p[1], p[2], Region(p[3]), AccountID(p[4]), p[5]}, nil
}

// String joins the parts again.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + string(a.Region) + ":" + string(a.Account) + ":" + a.Resource
}

// Severity orders findings and alerts. The zero value is Informational.
type Severity uint8

// Severities in rising order, named as in Sigma's level field.
const (
	Informational Severity = iota
	Low
	Medium
	High
	Critical
)

var severities = [...]string{"informational", "low", "medium", "high", "critical"}

// ParseSeverity reads a lower-case severity name.
func ParseSeverity(s string) (Severity, error) {
	for i, name := range severities {
		if s == name {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("severity %q: want one of %s", s, strings.Join(severities[:], ", "))
}

// String is the lower-case name.
func (s Severity) String() string {
	if int(s) >= len(severities) {
		return fmt.Sprintf("severity(%d)", uint8(s))
	}
	return severities[s]
}

// Lower is one step down; Informational stays.
func (s Severity) Lower() Severity {
	if s == Informational {
		return s
	}
	return s - 1
}

// Raise is one step up; Critical stays.
func (s Severity) Raise() Severity {
	if s >= Critical {
		return Critical
	}
	return s + 1
}

// MarshalText writes the name, so that JSON carries a word.
func (s Severity) MarshalText() ([]byte, error) {
	if int(s) >= len(severities) {
		return nil, errors.New("severity out of range")
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads the name.
func (s *Severity) UnmarshalText(b []byte) error {
	v, err := ParseSeverity(string(b))
	if err == nil {
		*s = v
	}
	return err
}
