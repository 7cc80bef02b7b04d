package origin

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/rootkeep/rootkeep/internal/detect/origin/origintest"
)

func must(t testing.TB, file []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func countries(t testing.TB) []byte {
	file, err := origintest.Countries(map[string]string{"203.0.113.0/24": "FR", "198.51.100.0/24": "BR", "2001:db8:1::/48": "DE"})
	return must(t, file, err)
}

func networks(t testing.TB) []byte {
	file, err := origintest.Networks(map[string]uint32{"203.0.113.0/24": 64500, "2001:db8:1::/48": 64501})
	return must(t, file, err)
}

func atlas(t testing.TB, files ...[]byte) *Atlas {
	t.Helper()
	a := &Atlas{}
	for _, file := range files {
		if err := a.AddDatabase(file); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func TestAddressForms(t *testing.T) {
	a := atlas(t, countries(t), networks(t))
	paris := Place{Country: "FR", ASN: 64500, Network: "Network 64500"}
	tests := []struct {
		name, address string
		valid         bool
		place         Place
		key           string
	}{
		{"an IPv4 address has country and network", "203.0.113.7", true, paris, "AS64500"},
		{"an IPv4 address in IPv6 form is the same", "::ffff:203.0.113.7", true, paris, "AS64500"},
		{"an IPv6 address has country and network", "2001:db8:1::7", true, Place{Country: "DE", ASN: 64501, Network: "Network 64501"}, "AS64501"},
		{"a zone is no part of the place", "2001:db8:1::7%eth0", true, Place{Country: "DE", ASN: 64501, Network: "Network 64501"}, "AS64501"},
		{"an address in the first database alone has no AS number", "198.51.100.9", true, Place{Country: "BR"}, "198.51.100.0/24"},
		{"an IPv4 address in no database stays unknown", "192.0.2.1", true, Place{}, "192.0.2.0/24"},
		{"an IPv6 address in no database stays unknown", "2001:db8:2::1", true, Place{}, "2001:db8:2::/48"},
		{"a service name is no address", "cloudtrail.amazonaws.com", false, Place{}, ""},
		{"AWS Internal is no address", "AWS Internal", false, Place{}, ""},
		{"leading zeros are no address: decimal or octal, nobody knows", "203.0.113.007", false, Place{}, ""},
		{"a port does not belong to an address", "203.0.113.7:443", false, Place{}, ""},
		{"a range is no address", "203.0.113.0/24", false, Place{}, ""},
		{"nothing is no address", "", false, Place{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := a.Of(tt.address, "agent", 0)
			if got.Addr.IsValid() != tt.valid {
				t.Errorf("Of(%q): got address %v, want valid: %t", tt.address, got.Addr, tt.valid)
			}
			if diff := cmp.Diff(tt.place, got.Place); diff != "" {
				t.Errorf("Of(%q): place (-want +got):\n%s", tt.address, diff)
			}
			if key := got.Key(); key != tt.key {
				t.Errorf("Of(%q).Key: got %q, want %q", tt.address, key, tt.key)
			}
		})
	}
}

func TestDatabases(t *testing.T) {
	registered := mmdbtype.Map{"registered_country": mmdbtype.Map{"iso_code": mmdbtype.String("JP")}}
	flat := mmdbtype.Map{"country_code": mmdbtype.String("NL")}
	odd := mmdbtype.Map{"country": mmdbtype.Uint32(7)}
	database := func(version int, record mmdbtype.DataType) []byte {
		file, err := origintest.Database("Test", version, map[string]mmdbtype.DataType{"203.0.113.0/24": record})
		return must(t, file, err)
	}
	tests := []struct {
		name    string
		files   [][]byte
		address string
		want    Place
	}{
		{"no database knows no place", nil, "203.0.113.7", Place{}},
		{"the order of databases does not matter when each knows its part", [][]byte{networks(t), countries(t)}, "203.0.113.7", Place{Country: "FR", ASN: 64500, Network: "Network 64500"}},
		{"the first database that knows a country gives it", [][]byte{database(6, flat), countries(t)}, "203.0.113.7", Place{Country: "NL"}},
		{"the country of registration stands in for a missing one", [][]byte{database(6, registered)}, "203.0.113.7", Place{Country: "JP"}},
		{"a database of another shape knows nothing and hides nothing", [][]byte{database(6, odd), countries(t)}, "203.0.113.7", Place{Country: "FR"}},
		{"a database of IPv4 alone answers for IPv4", [][]byte{database(4, flat)}, "203.0.113.7", Place{Country: "NL"}},
		{"a database of IPv4 alone knows no IPv6 and hides none", [][]byte{database(4, flat), countries(t)}, "2001:db8:1::1", Place{Country: "DE"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := atlas(t, tt.files...)
			if diff := cmp.Diff(tt.want, a.Of(tt.address, "", 0).Place); diff != "" {
				t.Errorf("place of %s (-want +got):\n%s", tt.address, diff)
			}
			if a.Located() != (len(tt.files) > 0) {
				t.Errorf("Located with %d databases: got %t", len(tt.files), a.Located())
			}
		})
	}
}

func TestBuiltIsTheOldest(t *testing.T) {
	if got := new(Atlas).Built(); got != 0 {
		t.Errorf("without a database: got %d, want 0", got)
	}
	if got := atlas(t, countries(t)).Built(); got != origintest.Built {
		t.Errorf("got %d, want %d", got, int64(origintest.Built))
	}
}

func TestTheMostSpecificPlaceAnswers(t *testing.T) {
	a := atlas(t, countries(t))
	for cidr, country := range map[string]string{"203.0.0.0/16": "US", "203.0.113.64/26": "CA", "203.0.113.0/24": "MX", "0.0.0.0/0": "ZZ"} {
		a.AddPlace(netip.MustParsePrefix(cidr), Place{Country: country})
	}
	for address, want := range map[string]string{"203.0.113.65": "CA", "203.0.113.1": "MX", "203.0.1.1": "US", "192.0.2.1": "ZZ", "2001:db8:1::1": "DE"} {
		for range 20 { // a map's order must not show
			if got := a.Of(address, "", 0).Place.Country; got != want {
				t.Fatalf("%s: got %s, want %s", address, got, want)
			}
		}
	}
}

func TestSteady(t *testing.T) {
	tests := []struct {
		name, relays, threats string
		want                  bool
	}{
		{"an atlas without lists is steady", "", "", true},
		{"ranges and AS numbers are steady", "203.0.113.0/24\n", "AS64500\n", true},
		{"an entry that expires is not", "203.0.113.0/24 until=2026-12-31\n", "", false},
		{"a user agent is not", "", "agent:pacu\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := &Atlas{Relays: *list(t, tt.relays), Threats: *list(t, tt.threats)}
			if got := a.Steady(); got != tt.want {
				t.Errorf("Steady: got %t, want %t", got, tt.want)
			}
		})
	}
}

func FuzzAddDatabase(f *testing.F) {
	f.Add(countries(f), "203.0.113.7")
	f.Add(networks(f), "2001:db8:1::7")
	f.Add([]byte("\xab\xcd\xefMaxMind.com"), "203.0.113.7")
	f.Add([]byte{}, "")
	f.Fuzz(func(t *testing.T, file []byte, address string) {
		a := &Atlas{}
		if err := a.AddDatabase(file); err != nil {
			return
		}
		o := a.Of(address, "", 0)
		if n := len(o.Place.Country) + len(o.Place.Network); n > 2*len(file) {
			t.Errorf("a database of %d bytes gave a place of %d", len(file), n)
		}
		a.Built()
	})
}
