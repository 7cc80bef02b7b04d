package grant

import (
	"strings"
	"testing"
)

func TestOpenAdminPort(t *testing.T) {
	rule := func(protocol, from, to, cidr string) string {
		return `{"ipProtocol":"` + protocol + `","fromPort":` + from + `,"toPort":` + to + `,"groups":{},"ipRanges":{"items":[{"cidrIp":"` + cidr + `"}]},"ipv6Ranges":{},"prefixListIds":{}}`
	}
	list := func(rules ...string) string {
		return `{"groupId":"sg-1","ipPermissions":{"items":[` + strings.Join(rules, ",") + `]}}`
	}
	run(t, []judgementCase{
		{rule: OpenAdminPort, name: "SSH for everybody", document: list(rule("tcp", "22", "22", "0.0.0.0/0")), bad: true, finding: "SSH (port 22) is open to 0.0.0.0/0"},
		{rule: OpenAdminPort, name: "half of all addresses", document: list(rule("tcp", "22", "22", "128.0.0.0/1")), bad: true, finding: "128.0.0.0/1"},
		{rule: OpenAdminPort, name: "a range that holds WinRM", document: list(rule("6", "5900", "6000", "0.0.0.0/0")), bad: true, finding: "WinRM"},
		{rule: OpenAdminPort, name: "RDP over UDP", document: list(rule("udp", "3389", "3389", "0.0.0.0/0")), bad: true, finding: "RDP"},
		{rule: OpenAdminPort, name: "no SSH over UDP", document: list(rule("udp", "22", "22", "0.0.0.0/0"))},
		{rule: OpenAdminPort, name: "every protocol", document: `{"ipPermissions":{"items":[{"ipProtocol":"-1","ipv6Ranges":{"items":[{"cidrIpv6":"::/0"}]}}]}}`, bad: true, finding: "every port is open to ::/0"},
		{rule: OpenAdminPort, name: "no ports are all ports", document: `{"ipProtocol":"tcp","cidrIp":"0.0.0.0/0"}`, bad: true, finding: "SSH"},
		{rule: OpenAdminPort, name: "ports as texts, in another order", document: `{"cidrIp":"0.0.0.0/0","toPort":"25","ipProtocol":"TCP","fromPort":"20"}`, bad: true, finding: "SSH"},
		{rule: OpenAdminPort, name: "a web port for all, SSH for an office", document: list(rule("tcp", "443", "443", "0.0.0.0/0"), rule("tcp", "22", "22", "203.0.113.0/24"))},
		{rule: OpenAdminPort, name: "a ping and a web port", document: list(rule("icmp", "-1", "-1", "0.0.0.0/0"), rule("tcp", "443", "443", "0.0.0.0/0"))},
		{rule: OpenAdminPort, name: "ports on either side of SSH", document: list(rule("tcp", "20", "21", "0.0.0.0/0"), rule("tcp", "80", "80", "0.0.0.0/0"))},
		{rule: OpenAdminPort, name: "private IPv6 addresses", document: `{"ipPermissions":{"items":[{"ipProtocol":"-1","ipv6Ranges":{"items":[{"cidrIpv6":"fc00::/7"}]}}]}}`},
		{rule: OpenAdminPort, name: "one changed rule", document: `{"ModifySecurityGroupRulesRequest":{"SecurityGroupRule":{"SecurityGroupRule":{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"CidrIpv4":"0.0.0.0/0"}}}}`, bad: true, finding: "SSH"},
		{rule: OpenAdminPort, name: "the second of two changed rules", document: `{"ModifySecurityGroupRulesRequest":{"SecurityGroupRule":[{"SecurityGroupRule":{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"CidrIpv4":"0.0.0.0/0"}},{"SecurityGroupRule":{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"CidrIpv6":"2000::/3"}}]}}`, bad: true, finding: "2000::/3"},
		{rule: OpenAdminPort, name: "nothing is asked for", document: `{}`},
		{rule: OpenAdminPort, name: "what cannot be read is open", document: `{"ipPermissions":{"items":"x"}}`, bad: true, finding: "could not be read"},
		{rule: OpenAdminPort, name: "what is too long is open", document: `{"x":"` + strings.Repeat("x", maxDocument) + `"}`, bad: true, finding: "could not be read"},
	})
}
