package rootkeep_test

import (
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
)

func TestARegionIsNoHost(t *testing.T) {
	for _, good := range []string{"us-east-1", "ap-southeast-7", "us-gov-west-1", "eusc-de-east-1", "us-isob-east-1", "me-central-12"} {
		if r, err := rootkeep.ParseRegion(good); err != nil || string(r) != good {
			t.Errorf("%s: got %q, %v", good, r, err)
		}
	}
	for _, bad := range []string{"", "us-east", "us-east-", "-east-1", "us-east-1a", "us_east-1", "us-east-1.evil.example", "us-east-1/#", "us-east-1\n", "US-east-1", "localhost:80", strings.Repeat("a-", 20) + "1"} {
		if r, err := rootkeep.ParseRegion(bad); err == nil {
			t.Errorf("%q: got %q and no error", bad, r)
		}
	}
}
