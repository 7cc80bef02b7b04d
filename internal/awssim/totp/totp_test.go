package totp_test

import (
	"encoding/base32"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/totp"
)

// The examples of RFC 6238, appendix B, cut to six digits.
func TestCodesOfTheStandard(t *testing.T) {
	seed := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte("12345678901234567890"))
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := totp.Code(seed, time.Unix(at, 0)); got != want {
			t.Errorf("at %d: got %s, want %s", at, got, want)
		}
	}
	now := time.Unix(1111111111, 0)
	if !totp.Valid(seed, "081804", now) || totp.Valid(seed, "279037", now) || totp.Valid(seed, "", now) || totp.Valid("%", "", now) {
		t.Error("the code of the step before must be valid, others not")
	}
	if !totp.Consecutive(seed, "081804", "050471", now) || totp.Consecutive(seed, "050471", "081804", now) {
		t.Error("codes must follow one another")
	}
}
