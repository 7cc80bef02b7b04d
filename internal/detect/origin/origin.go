// Package origin says where a call came from: an address text goes in; country,
// network and the lists that name it come out.
package origin

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Place is what is known of an address. The zero value knows nothing.
type Place struct {
	Country string `yaml:"country"` // ISO 3166-1 alpha-2
	ASN     uint   `yaml:"asn"`
	Network string `yaml:"network"` // name of the autonomous system
}

// Origin is one source address judged.
type Origin struct {
	Addr    netip.Addr // invalid when the text is no address: AWS writes service names, too
	Place   Place
	Relay   string   // name of the relay list that holds it
	Threats []string // names of the threat lists that hold it
}

// Key names the network of an address for a baseline: the AS number when it is
// known, else the /24 or /48 around it; "" without an address.
func (o Origin) Key() string {
	if !o.Addr.IsValid() {
		return ""
	}
	if o.Place.ASN != 0 {
		return "AS" + strconv.FormatUint(uint64(o.Place.ASN), 10)
	}
	size := 24
	if o.Addr.Is6() {
		size = 48
	}
	prefix, err := o.Addr.Prefix(size)
	if err != nil {
		return ""
	}
	return prefix.String()
}

// Atlas answers for addresses. The zero value knows no places and no lists. It
// is safe for several readers once filled.
type Atlas struct {
	databases []*maxminddb.Reader
	known     map[netip.Prefix]Place
	Relays    List
	Threats   List
}

// AddDatabase takes the bytes of a MaxMind-format file (MaxMind DB File Format
// Specification 2.0): a country, a city or an ASN database. Several may be
// added; the first that knows an answer gives it.
func (a *Atlas) AddDatabase(file []byte) error {
	db, err := maxminddb.OpenBytes(file)
	if err != nil {
		return fmt.Errorf("read MaxMind database: %w", err)
	}
	a.databases = append(a.databases, db)
	return nil
}

// AddPlace names one range by hand; it wins over the databases. Of ranges that
// overlap the most specific one answers.
func (a *Atlas) AddPlace(prefix netip.Prefix, p Place) {
	if a.known == nil {
		a.known = map[netip.Prefix]Place{}
	}
	a.known[prefix.Masked()] = p
}

// Located says whether the atlas knows any place.
func (a *Atlas) Located() bool { return len(a.databases)+len(a.known) > 0 }

// Built is the build time of the oldest database, Unix seconds; 0 without one.
// Addresses move between countries, so a reader of an alert wants the age.
func (a *Atlas) Built() int64 {
	var oldest int64
	for _, db := range a.databases {
		if t := int64(db.Metadata.BuildEpoch); oldest == 0 || t < oldest {
			oldest = t
		}
	}
	return oldest
}

// Steady says that Of answers for an address alone, whatever the time and the
// user agent, so that its answer may be remembered.
func (a *Atlas) Steady() bool { return !a.Relays.fickle && !a.Threats.fickle }

// Of judges one sourceIPAddress. at is the event time, Unix seconds: list
// entries expire.
func (a *Atlas) Of(address, agent string, at int64) Origin {
	var o Origin
	if addr, err := netip.ParseAddr(address); err == nil {
		o.Addr = addr.Unmap().WithZone("")
		o.Place = a.place(o.Addr)
		if names := a.Relays.match(o, agent, at); len(names) > 0 {
			o.Relay = names[0]
		}
	}
	o.Threats = a.Threats.match(o, agent, at)
	return o
}

// record covers the shapes of country, city and ASN databases of MaxMind,
// DB-IP, IPinfo and ip-location-db.
type record struct {
	Country struct {
		ISO string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Registered struct {
		ISO string `maxminddb:"iso_code"`
	} `maxminddb:"registered_country"`
	CountryCode string `maxminddb:"country_code"`
	ASN         uint   `maxminddb:"autonomous_system_number"`
	Network     string `maxminddb:"autonomous_system_organization"`
}

func (a *Atlas) place(addr netip.Addr) Place {
	var p Place
	best := -1
	for prefix, known := range a.known {
		if prefix.Bits() > best && prefix.Contains(addr) {
			best, p = prefix.Bits(), known
		}
	}
	if best >= 0 {
		return p
	}
	for _, db := range a.databases {
		var r record
		if err := db.Lookup(addr).Decode(&r); err != nil {
			continue // another vendor's shape: unknown, not wrong
		}
		for _, iso := range []string{r.Country.ISO, r.CountryCode, r.Registered.ISO} {
			if p.Country == "" {
				p.Country = iso
			}
		}
		if p.ASN == 0 {
			p.ASN, p.Network = r.ASN, r.Network
		}
	}
	return p
}
