package condition

import "strings"

// Fixed says whether the condition limits a request to values that S3 counts as fixed,
// so that an Allow to everyone is not public (Amazon S3 User Guide, "Blocking public
// access to your Amazon S3 storage").
func (t *Test) Fixed() bool {
	if t.Operator.Negated || t.Operator.IfExists || t.Operator.Set == ForAllValues || t.Operator.Family == Null {
		return false
	}
	return fixingKey(t.LowerKey()) && len(t.Values) > 0 && allFixed(t)
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

func allFixed(t *Test) bool {
	for _, v := range t.Values {
		switch {
		case strings.Contains(v, "${"):
			return false
		case t.LowerKey() == "aws:sourceip":
			// A range wider than /8 (IPv4) or /32 (IPv6) is public.
			if WideRange(v) {
				return false
			}
		case t.LowerKey() == "s3:dataaccesspointarn":
			// The access point may be a wildcard, its account may not.
			if parts, ok := SplitARN(v); !ok || strings.ContainsAny(parts[4], "*?") || parts[4] == "" {
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
