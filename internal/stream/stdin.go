package stream

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
)

// once opens a stream that cannot be read again. Reading ends with the error of
// ctx when ctx ends, even while the stream keeps silent: whoever pressed Ctrl-C
// wants the report now.
func once(ctx context.Context, r io.Reader) func() (io.ReadCloser, error) {
	var taken atomic.Bool
	return func() (io.ReadCloser, error) {
		if r == nil || taken.Swap(true) {
			return nil, errors.New("standard input cannot be read a second time; hint: save it to a file")
		}
		out, in := io.Pipe()
		// A read that waits cannot be called off, so it may outlive the hunt; it
		// ends with the stream.
		go func() {
			_, err := io.Copy(in, r)
			in.CloseWithError(err)
		}()
		stop := context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
		return &interruptible{out, stop}, nil
	}
}

type interruptible struct {
	*io.PipeReader
	stop func() bool
}

func (i *interruptible) Close() error {
	i.stop()
	return i.PipeReader.Close()
}
