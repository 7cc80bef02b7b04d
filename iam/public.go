package iam

import (
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
)

// isPublic says whether a bucket policy is public in the sense of S3 Block Public
// Access: some Allow names everyone, or a value with a wildcard, and no condition
// ties it to fixed values. Source: Amazon S3 User Guide, "Blocking public access to
// your Amazon S3 storage", "The meaning of public".
func isPublic(ps []*Policy) bool {
	for _, p := range ps {
		for i := range p.statements {
			if s := &p.statements[i]; !s.denies && s.everyone() && !s.fixed() {
				return true
			}
		}
	}
	return false
}

func (s *statement) everyone() bool {
	if s.principalMode == not {
		return true
	}
	for i := range s.principals {
		if s.principals[i].kind == anyPrincipal {
			return true
		}
	}
	return false
}

// fixed says whether one condition limits the statement to values that S3 counts
// as fixed.
func (s *statement) fixed() bool {
	for i := range s.tests {
		t := &s.tests[i]
		if t.Operator.Negated || t.Operator.IfExists || t.Operator.Set == condition.ForAllValues || t.Operator.Family == condition.Null {
			continue
		}
		if fixingKey(t.LowerKey()) && len(t.Values) > 0 && allFixed(t) {
			return true
		}
	}
	return false
}

func fixingKey(key string) bool {
	switch key {
	case "aws:sourceip", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount",
		"aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "aws:principalaccount", "aws:userid",
		"s3:dataaccesspointarn", "s3:dataaccesspointaccount", "s3:x-amz-server-side-encryption-aws-kms-key-id":
		return true
	}
	return false
}

func allFixed(t *condition.Test) bool {
	for _, v := range t.Values {
		switch {
		case strings.Contains(v, "${"):
			return false
		case t.LowerKey() == "aws:sourceip":
			// A range wider than /8 (IPv4) or /32 (IPv6) is public.
			if condition.WideRange(v) {
				return false
			}
		case t.LowerKey() == "s3:dataaccesspointarn":
			// The access point may be a wildcard, its account may not.
			if parts, ok := condition.SplitARN(v); !ok || strings.ContainsAny(parts[4], "*?") || parts[4] == "" {
				return false
			}
		case t.LowerKey() == "aws:userid" && strings.HasPrefix(v, "AROA") && strings.HasSuffix(v, ":*"):
			// Every session of one role.
		case t.Operator.Wildcards() && strings.ContainsAny(v, "*?"):
			return false
		}
	}
	return true
}

// Public says whether one of a bucket's policies makes it public in the sense of S3
// Block Public Access, as GetBucketPolicyStatus does.
func Public(ps ...*Policy) bool { return isPublic(ps) }
