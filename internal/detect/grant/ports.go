package grant

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// adminPorts are those that machines are administered by.
var adminPorts = [...]struct {
	port int
	name string
	udp  bool // over UDP as well
}{
	{22, "SSH", false},
	{3389, "RDP", true},
	{5985, "WinRM", false},
	{5986, "WinRM", false},
}

// inbound are the parameters of AuthorizeSecurityGroupIngress, in its short form or
// with a list, or of ModifySecurityGroupRules. Names are compared without case.
type inbound struct {
	opening
	Permissions struct {
		Items oneOrMore[opening] `json:"items"`
	} `json:"ipPermissions"`
	Modified struct {
		Rules oneOrMore[struct {
			Rule opening `json:"SecurityGroupRule"`
		}] `json:"SecurityGroupRule"`
	} `json:"ModifySecurityGroupRulesRequest"`
}

// opening is one rule of a security group: who gets to which ports.
type opening struct {
	Protocol looseText `json:"ipProtocol"`
	From     looseText `json:"fromPort"`
	To       looseText `json:"toPort"`
	IPv4     string    `json:"cidrIp"`
	IPv4Too  string    `json:"cidrIpv4"`
	IPv6     string    `json:"cidrIpv6"`
	Ranges   struct {
		Items oneOrMore[struct {
			IPv4 string `json:"cidrIp"`
		}] `json:"items"`
	} `json:"ipRanges"`
	Ranges6 struct {
		Items oneOrMore[struct {
			IPv6 string `json:"cidrIpv6"`
		}] `json:"items"`
	} `json:"ipv6Ranges"`
}

// openAdminPort judges the parameters of a call about a security group. Each rule is
// judged by itself: a web port for everybody and SSH for one office are no SSH for
// everybody.
func openAdminPort(text []byte) Judgement {
	var call inbound
	if len(text) > maxDocument || json.Unmarshal(text, &call) != nil {
		return Judgement{true, "the rules could not be read and are taken as open"}
	}
	rules := append([]opening{call.opening}, call.Permissions.Items...)
	for _, m := range call.Modified.Rules {
		rules = append(rules, m.Rule)
	}
	for _, r := range rules {
		network := r.world()
		if what := r.administers(); network != "" && what != "" {
			return Judgement{true, cut(what + " is open to " + network)}
		}
	}
	return Judgement{}
}

// world is the widest network of the rule if its prefix is so short that most of it
// is the internet, "" for a rule of smaller ones: IPv4 up to 7 bits, IPv6 up to 6, as
// fc00::/7 is private.
func (o *opening) world() string {
	networks := []string{o.IPv4, o.IPv4Too, o.IPv6}
	for _, r := range o.Ranges.Items {
		networks = append(networks, r.IPv4)
	}
	for _, r := range o.Ranges6.Items {
		networks = append(networks, r.IPv6)
	}
	widest, bits := "", 8
	for _, n := range networks {
		p, err := netip.ParsePrefix(n)
		if err == nil && p.Bits() < bits && (p.Addr().Is4() || p.Bits() < 7) {
			widest, bits = p.String(), p.Bits()
		}
	}
	return widest
}

// administers names what the ports of the rule serve to administer, "" for none.
func (o *opening) administers() string {
	protocol := strings.ToLower(string(o.Protocol))
	udp := protocol == "udp" || protocol == "17"
	switch protocol {
	case "-1", "all":
		return "every port"
	case "", "tcp", "6", "udp", "17":
	default:
		return ""
	}
	from, errFrom := strconv.Atoi(string(o.From))
	to, errTo := strconv.Atoi(string(o.To))
	if errFrom != nil || errTo != nil || from < 0 {
		from, to = 0, 65535 // a rule without ports is for all of them
	}
	for _, p := range adminPorts {
		if from <= p.port && p.port <= to && (p.udp || !udp) {
			return fmt.Sprintf("%s (port %d)", p.name, p.port)
		}
	}
	return ""
}

// oneOrMore reads a list, or one element that stands where a list could.
type oneOrMore[T any] []T

func (l *oneOrMore[T]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]T)(l))
	}
	var one T
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*l = []T{one}
	return nil
}

// looseText reads a text, or a number as it is written.
type looseText string

func (t *looseText) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		s = string(b)
	}
	*t = looseText(s)
	return nil
}
