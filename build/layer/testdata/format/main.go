// The format's name as a built program sees it: test binaries do not know the versions of their modules.
package main

import (
	"fmt"

	"github.com/seed-604f7181/package-storage/build/layer"
)

func main() { fmt.Printf("%s\n%s\n", layer.Zstd, layer.Gzip) }
