package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/notify/mailer"
)

// posted is Amazon SES.
type posted struct{ to []string }

func (p *posted) Mail(_ context.Context, _ string, to []string, _ []byte) (string, error) {
	p.to = to
	return "id", nil
}

func TestSESToMoreThanOneMailHasRoomFor(t *testing.T) {
	p := &posted{}
	w := &WayConfig{Name: "ses", SES: &SESConfig{Region: "eu-west-1", From: "rootkeep@example.com", To: []string{"security@example.com"}}}
	s, err := w.ses(AWS{SES: func(context.Context, string, string) (Mailer, error) { return p, nil }}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	n := Notice{ID: "NO-1", Title: "one"}
	for i := range 51 {
		n.To = append(n.To, fmt.Sprintf("p%d@example.com", i))
	}
	answer, err := s.Send(t.Context(), n)
	var partly *mailer.RefusedError
	if !errors.As(err, &partly) || !slices.Equal(partly.To, n.To[49:]) || len(p.to) != mostRecipients || answer != "SES took it as id" {
		t.Errorf("got %q, %v, for %d, want it taken for 50, and two left", answer, err, len(p.to))
	}
}
