// Package origintest writes small databases in MaxMind's format for tests, so
// that no foreign data lies in the repository. Ranges and what is known of them
// go in, the bytes of a database come out.
package origintest

import (
	"bytes"
	"fmt"
	"net"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// Built is the build time of every database, Unix seconds: 2026-01-02.
const Built = 1767312000

// Countries is a country database: range -> ISO code.
func Countries(ranges map[string]string) ([]byte, error) {
	records := map[string]mmdbtype.DataType{}
	for cidr, iso := range ranges {
		records[cidr] = mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(iso)}}
	}
	return Database("Test-Country", 6, records)
}

// Networks is a database of autonomous systems: range -> number; the name is
// "Network " and the number.
func Networks(ranges map[string]uint32) ([]byte, error) {
	records := map[string]mmdbtype.DataType{}
	for cidr, asn := range ranges {
		records[cidr] = mmdbtype.Map{
			"autonomous_system_number":       mmdbtype.Uint32(asn),
			"autonomous_system_organization": mmdbtype.String(fmt.Sprintf("Network %d", asn)),
		}
	}
	return Database("Test-ASN", 6, records)
}

// Database holds any records: range -> record. version is 4 for a tree of IPv4
// addresses alone, else 6.
func Database(kind string, version int, records map[string]mmdbtype.DataType) ([]byte, error) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType: kind, BuildEpoch: Built, IPVersion: version, RecordSize: 24,
		IncludeReservedNetworks: true, // tests use the ranges kept for documentation
	})
	if err != nil {
		return nil, err
	}
	for cidr, record := range records {
		_, network, err := net.ParseCIDR(cidr)
		if err != nil {
			return nil, err
		}
		if err := tree.Insert(network, record); err != nil {
			return nil, fmt.Errorf("range %s: %w", cidr, err)
		}
	}
	var out bytes.Buffer
	_, err = tree.WriteTo(&out)
	return out.Bytes(), err
}
