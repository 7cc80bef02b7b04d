package cli

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"time"
)

// Browse prints the address of a page and, unless only that is wanted, has the desktop
// open it.
func Browse(ctx context.Context, s Streams, address string, printOnly bool) error {
	if err := PrintVisible(s.Out, address+"\n"); err != nil || printOnly {
		return err
	}
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := exec.CommandContext(ctx, name, args...).Run(); err != nil {
		fmt.Fprintf(s.Err, "rootkeep: no browser opened (%s); hint: open the address above\n", Visible(err.Error()))
	}
	return nil
}
