package scan

import (
	"context"

	"github.com/rootkeep/rootkeep/internal/awsout"
	"github.com/rootkeep/rootkeep/internal/report/asff"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

// HubConfig is where findings are sent, and with the credentials of whom.
type HubConfig = awsout.Config

// Push imports the findings into Security Hub and notes in the assessment what came of
// it. The error says that nothing could be sent, or the context's; what was imported
// until then is noted.
func Push(ctx context.Context, a *assessment.Assessment, c HubConfig) error {
	hub, err := awsout.Open(ctx, c)
	if err != nil {
		return err
	}
	findings, err := asff.Of(a, hub.Region())
	if err != nil {
		return err
	}
	a.Imported, err = hub.Import(ctx, findings)
	return err
}
