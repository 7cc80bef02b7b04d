package serve

import (
	"fmt"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/detect"
	guards "github.com/rootkeep/rootkeep/internal/detect/guarded"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
)

// newAlerts is where people work at alerts.
func (h *house) newAlerts() (*alerts.Desk, error) {
	pack, err := detect.Load([]rule.Source{{FS: content.Files, Dir: "detections", Tested: true}}, detect.LoadOptions{})
	if err != nil {
		return nil, fmt.Errorf("detections: %w", err)
	}
	k, err := alerts.New(alert.Default(), guards.In(pack.Catalogue()))
	return &alerts.Desk{Keeper: k}, err
}
