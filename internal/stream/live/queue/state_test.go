package queue

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// While one of several hands has a message of a backlog, an empty answer of another says
// nothing about the past.
func TestABacklogIsReadBeforeTimeGoesOn(t *testing.T) {
	r := &run{Source: &Source{}}
	s := &r.state
	at := func(minutes int) time.Time { return time.Date(2026, 11, 26, 12, minutes, 0, 0, time.UTC) }
	message := func(id string, sent time.Time) types.Message {
		return types.Message{MessageId: aws.String(id), Attributes: map[string]string{"SentTimestamp": strconv.FormatInt(sent.UnixMilli(), 10)}}
	}
	is := func(what string, minute int, want time.Time) {
		t.Helper()
		s.complete(at(minute))
		if got := s.show(at(minute)).Complete; !got.Equal(want) {
			t.Errorf("%s: got complete up to %v, want %v", what, got, want)
		}
	}
	is("nothing waits", 0, at(0))
	done := s.begin(r.late([]types.Message{message("a", at(1)), message("b", at(-600))}, at(1)), at(1))
	is("another hand's empty answer", 8, at(0))
	done()
	is("it is read, the last old one long ago", 9, at(9))
	s.begin(r.late([]types.Message{message("c", at(-600))}, at(10)), at(10))()
	is("others may come", 12, at(9))
	is("none came", 16, at(16))
	s.ill("d", errors.New("no JSON"), at(17))
	s.begin(r.late([]types.Message{message("d", at(-600)), message("e", at(17))}, at(17)), at(17))()
	is("one that cannot be read is no backlog", 18, at(18))
}
