// Package form judges the shape of values: dates, addresses, and what the condition
// keys and principals of AWS hold. Texts go in.
package form

import (
	"net/netip"
	"time"
)

// Date reads the W3C forms of ISO 8601.
func Date(text string) (time.Time, bool) {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05",
		time.DateOnly, "2006-01", "2006",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// Range reads an IP address or a range in CIDR form.
func Range(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, true
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	return netip.Prefix{}, false
}

// Inside says whether a range lies in one of others.
func Inside(p netip.Prefix, ranges []string) bool {
	for _, r := range ranges {
		if o := netip.MustParsePrefix(r); o.Bits() <= p.Bits() && o.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// PrivateRanges are RFC 1918 and RFC 4193.
func PrivateRanges() []string {
	return []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"}
}

// DocumentationRanges are RFC 5737 and RFC 3849.
func DocumentationRanges() []string {
	return []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"}
}
