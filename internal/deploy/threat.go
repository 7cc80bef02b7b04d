package deploy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// ThreatListFile is the object in a bucket that GuardDuty reads.
const ThreatListFile = "threat-list.txt"

// The kinds of a list in GuardDuty. AWS recommends entities, which may be domains as well;
// addresses are the older kind (Amazon GuardDuty User Guide, "Customizing threat detection
// with entity lists and IP address lists").
const (
	ThreatEntities  = "entity"
	ThreatAddresses = "address"
)

// ThreatSets lists them.
func ThreatSets() []string { return []string{ThreatEntities, ThreatAddresses} }

// mostThreats are the addresses and ranges of one list (Amazon GuardDuty User Guide, "Amazon
// GuardDuty quotas"). As text they are far below the 35 MB that a file may have.
const mostThreats = 250_000

// WriteThreatList writes addresses and ranges in GuardDuty's plain form, one a line, and says
// how many it left out: those of IPv6, of which AWS does not say that lists have them, and
// those that nobody has in the public Internet.
func WriteThreatList(w io.Writer, ranges []netip.Prefix) (left int, err error) {
	out := bufio.NewWriter(w)
	n := 0
	for _, p := range ranges {
		a := p.Addr()
		if !a.Is4() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() || a.IsMulticast() {
			left++
			continue
		}
		if n++; n > mostThreats {
			return left, fmt.Errorf("a threat list has more than the %d entries that GuardDuty takes; hint: fewer or wider ranges", mostThreats)
		}
		text := p.String()
		if p.IsSingleIP() {
			text = a.String()
		}
		out.WriteString(text + "\n") // an error stays until Flush
	}
	if n == 0 {
		return left, errors.New("a threat list has no public address or range of IPv4, and GuardDuty takes nothing else")
	}
	return left, out.Flush()
}
