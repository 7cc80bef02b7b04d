package crossing_test

import (
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/crossing"
	"github.com/rootkeep/rootkeep/sigma/correlate"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

func TestHowManyCallsOfACrossingFailed(t *testing.T) {
	denied, done := &rootkeep.Event{ErrorCode: "AccessDenied"}, &rootkeep.Event{}
	for _, test := range []struct {
		name   string
		of     party.Tally
		sample []*rootkeep.Event
		failed int
		every  bool
		noted  bool
	}{
		{"all are known and failed", party.Tally{Failed: 300}, []*rootkeep.Event{denied, denied}, 300, true, false},
		{"all are known and some succeeded", party.Tally{Failed: 150}, []*rootkeep.Event{denied, denied}, 150, false, false},
		{"what is known succeeded in part, and the sample failed", party.Tally{Failed: 100, Unknown: 50}, []*rootkeep.Event{denied, denied}, 100, false, true},
		{"what is known and the sample failed", party.Tally{Failed: 100, Unknown: 200}, []*rootkeep.Event{denied, denied}, 100, true, true},
		{"the sample says that one succeeded", party.Tally{Failed: 100, Unknown: 200}, []*rootkeep.Event{denied, done}, 100, false, true},
		{"nothing but the sample is known", party.Tally{Unknown: 300}, []*rootkeep.Event{denied, denied}, 2, true, true},
	} {
		failed, every, note := crossing.Failures(&correlate.Firing{Count: 300}, &test.of, test.sample)
		if failed != test.failed || every != test.every || (note != "") != test.noted {
			t.Errorf("%s: got %d, every %t, note %q; want %d, %t, noted %t", test.name, failed, every, note, test.failed, test.every, test.noted)
		}
	}
}
