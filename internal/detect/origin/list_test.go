package origin

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func list(t testing.TB, text string) *List {
	t.Helper()
	l := &List{}
	if err := l.Read("list.txt", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestListNamesTheSource(t *testing.T) {
	const text = "# a comment\r\n\n" +
		"203.0.113.7\n" +
		"198.51.100.0/24\tsource=abuse.example\n" +
		"198.51.0.0/16 source=wider.example\n" +
		"198.51.100.0/25 source=abuse.example\n" +
		"2001:db8::/32 source=\"the six list\"\n" +
		"::ffff:192.0.2.0/120 source=mapped\n" +
		"fe80::1%eth0 source=link\n" +
		"as64500 source=transit\n" +
		"AGENT:Pacu source=\"our red team\"\n" +
		"\"agent:aws cli/9\"\n" +
		"10.1.2.3/8 source=ten\n"
	l := list(t, text)
	tests := []struct {
		name, address, agent string
		asn                  uint
		want                 []string
	}{
		{"an address without a source names the file", "203.0.113.7", "", 0, []string{"list.txt"}},
		{"its neighbour is not listed", "203.0.113.8", "", 0, nil},
		{"wider ranges come first and a source is named once", "198.51.100.9", "", 0, []string{"wider.example", "abuse.example"}},
		{"an IPv6 range holds its last address", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "", 0, []string{"the six list"}},
		{"an IPv6 address outside is not listed", "2001:db9::", "", 0, nil},
		{"a range in mapped form is the IPv4 range", "192.0.2.99", "", 0, []string{"mapped"}},
		{"the zone of an entry is dropped", "fe80::1", "", 0, []string{"link"}},
		{"a range is cut to its prefix", "10.255.0.1", "", 0, []string{"ten"}},
		{"an AS number is listed", "192.0.3.1", "", 64500, []string{"transit"}},
		{"no AS number is not AS0", "192.0.3.1", "", 0, nil},
		{"a user agent is found in any case", "192.0.3.1", "Boto3/1.9 pacu/1.0", 0, []string{"our red team"}},
		{"quotes hold an entry together", "", "AWS CLI/9.1", 0, []string{"list.txt"}},
		{"an empty user agent is in no list", "", "", 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Origin{Place: Place{ASN: tt.asn}}
			if tt.address != "" {
				o.Addr = netip.MustParseAddr(tt.address)
			}
			if diff := cmp.Diff(tt.want, l.match(o, tt.agent, 0)); diff != "" {
				t.Errorf("sources (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnEntryExpiresAfterItsLastDay(t *testing.T) {
	l := list(t, "203.0.113.7 until=2026-12-31\n")
	tests := []struct {
		name, at string
		want     bool
	}{
		{"before", "2026-01-01T00:00:00Z", true},
		{"in the last second of the last day", "2026-12-31T23:59:59Z", true},
		{"in the first second of the next day", "2027-01-01T00:00:00Z", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			if got := l.match(Origin{Addr: netip.MustParseAddr("203.0.113.7")}, "", at.Unix()) != nil; got != tt.want {
				t.Errorf("listed at %s: got %t, want %t", tt.at, got, tt.want)
			}
		})
	}
}

func TestListErrorsNameTheLine(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a word that is nothing", "203.0.113.7\nnonsense\n", `list.txt:2: "nonsense": want an address, a range, AS<number> or agent:<text>`},
		{"an address with leading zeros", "203.0.113.007", `list.txt:1: "203.0.113.007": want an address, a range, AS<number> or agent:<text>`},
		{"a range that is too long", "203.0.113.0/33", `list.txt:1: "203.0.113.0/33": want an address, a range, AS<number> or agent:<text>`},
		{"an AS without a number", "AS", `list.txt:1: "AS": want an AS number such as AS64500`},
		{"AS zero", "AS0", `list.txt:1: "AS0": want an AS number such as AS64500`},
		{"an AS number past 32 bits", "AS4294967296", `list.txt:1: "AS4294967296": want an AS number such as AS64500`},
		{"an empty user agent", "agent:", `list.txt:1: "agent:": the user agent is empty and would match every call`},
		{"an unknown key", "203.0.113.7 note=x", `list.txt:1: "note=x": want source=NAME or until=DAY`},
		{"a word too many", "203.0.113.7 bad", `list.txt:1: "bad": want source=NAME or until=DAY`},
		{"a day that does not exist", "203.0.113.7 until=2026-02-30", `list.txt:1: until "2026-02-30": want a day such as 2026-12-31`},
		{"a quote that stays open", `203.0.113.7 source="red team`, `list.txt:1: "source=\"red team": a quote is not closed`},
		{"a line without end", "203.0.113.7\n" + strings.Repeat("x", 5000), "list.txt:2: the line is longer than 4096 bytes; want one entry a line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := new(List).Read("list.txt", strings.NewReader(tt.text))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got error %v, want %s", err, tt.want)
			}
		})
	}
	broken := errors.New("the disk is gone")
	if err := new(List).Read("list.txt", iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a failing reader: got %v, want %v", err, broken)
	}
}

// TestALongListCostsLookUps counts what an address costs in a list of a
// hundred thousand: comparing one by one would take minutes for this many.
func TestALongListCostsLookUps(t *testing.T) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "10.%d.%d.%d\n", i>>16, i>>8&255, i&255)
	}
	l := list(t, text.String())
	o := Origin{Addr: netip.MustParseAddr("192.0.2.1")}
	if n := testing.AllocsPerRun(100, func() { l.match(o, "an agent", 0) }); n != 0 {
		t.Errorf("an address that is not listed: got %v allocations, want 0", n)
	}
	for range 200_000 {
		if got := l.match(o, "", 0); got != nil {
			t.Fatalf("got %v, want no source", got)
		}
	}
}

func FuzzList(f *testing.F) {
	f.Add("203.0.113.7\n198.51.100.0/24 source=x until=2026-12-31\n", "203.0.113.7", "agent")
	f.Add("AS64500\nagent:pacu source=\"red team\"\n", "::1", "Pacu")
	f.Add("::ffff:0:0/96\n0.0.0.0/0\n::/0\n", "::ffff:1.2.3.4", "")
	f.Add("\"\"\n", "", "")
	f.Fuzz(func(t *testing.T, text, address, agent string) {
		l := &List{}
		if err := l.Read("list", strings.NewReader(text)); err != nil {
			return
		}
		a := Atlas{Threats: *l}
		for _, source := range a.Of(address, agent, 0).Threats {
			if source == "" {
				t.Error("a list without a name")
			}
		}
	})
}
