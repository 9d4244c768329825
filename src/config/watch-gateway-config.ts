/** Reloads the gateway's configuration when its file changes; a file that is refused leaves the old one in force. */
import type { Events } from '../events.ts';
import { ConfigError } from './config-error.ts';
import { type GatewaySources, type LoadedGatewayConfig, loadGatewayConfig } from './gateway-config.ts';
import { type FileWatch, type FileWatchOptions, watchFile } from './watch-file.ts';

/** `sources.fileText` is the text that was loaded at the start. Calls `onConfig` with each new configuration. */
export function watchGatewayConfig(
  file: string,
  sources: GatewaySources,
  events: Events,
  onConfig: (loaded: LoadedGatewayConfig) => void,
  options?: FileWatchOptions,
): FileWatch {
  const refuse = (message: string): void => void events.emit('config:refused', { source: file, message });
  return watchFile(
    file,
    sources.fileText,
    text => {
      // A file that was just emptied or taken away is being replaced, or a mistake: neither means "all defaults".
      if (text === undefined || text.trim() === '') return refuse('the file is gone or empty');
      try {
        onConfig(loadGatewayConfig({ ...sources, file, fileText: text }));
      } catch (error) {
        refuse(error instanceof ConfigError ? error.message : `internal error: ${String(error)}`);
      }
    },
    options,
  );
}
