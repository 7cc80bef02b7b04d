package deploy_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/deploy"
)

func TestThreatListsHaveWhatGuardDutyTakes(t *testing.T) {
	var ranges []netip.Prefix
	for _, text := range []string{"203.0.113.7/32", "198.51.100.0/24", "10.0.0.0/8", "127.0.0.1/32", "169.254.0.0/16", "2001:db8::/32"} {
		ranges = append(ranges, netip.MustParsePrefix(text))
	}
	var out bytes.Buffer
	if left, err := deploy.WriteThreatList(&out, ranges); err != nil || left != 4 || out.String() != "203.0.113.7\n198.51.100.0/24\n" {
		t.Errorf("got %q, %d left out, %v", out.String(), left, err)
	}
	if _, err := deploy.WriteThreatList(&out, ranges[2:]); err == nil || !strings.Contains(err.Error(), "no public address") {
		t.Errorf("nothing to watch for: got %v, want a refusal", err)
	}
	many := make([]netip.Prefix, 250_001)
	for i := range many {
		many[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{52, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
	}
	if _, err := deploy.WriteThreatList(&out, many[:250_000]); err != nil {
		t.Errorf("as many as GuardDuty takes: got %v", err)
	}
	if _, err := deploy.WriteThreatList(&out, many); err == nil || !strings.Contains(err.Error(), "250000") {
		t.Errorf("one more: got %v, want a refusal", err)
	}
}
