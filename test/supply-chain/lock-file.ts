/** What package-lock.json says of every dependency, held to what is allowed. Pure. */
import { INSTALL_SCRIPTS, LICENCES, REGISTRY } from './allowed.ts';

export interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly link?: boolean;
}

export interface LockFile {
  readonly lockfileVersion: number;
  /** By folder; '' is this package itself. */
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** Every thing that is not as it should be, as a line; none: all is well. */
export function lockProblems(lock: LockFile): string[] {
  const packages = Object.entries(lock.packages).filter(([folder]) => folder !== '');
  return [
    ...packages.flatMap(([folder, locked]) => sourceProblems(folder, locked)),
    ...packages
      .filter(([, { dev }]) => dev !== true)
      .flatMap(([folder, locked]) => licenceProblems(folder, locked)),
    ...scriptProblems(packages),
  ];
}

/** npm checks a hash only where there is one, and asks whatever host the lock file names. */
function sourceProblems(folder: string, { integrity, resolved, version, link }: LockedPackage): string[] {
  const problems: string[] = [];
  if (link === true) problems.push(`${folder}: a link to a folder`);
  if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))
    problems.push(`${folder}: no SHA-512 of its content`);
  if (resolved !== undefined && !resolved.startsWith(REGISTRY)) problems.push(`${folder}: from ${resolved}`);
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.test(version ?? ''))
    problems.push(`${folder}: version ${version} is no exact one`);
  return problems;
}

function licenceProblems(folder: string, { license }: LockedPackage): string[] {
  return LICENCES.has(license ?? '') ? [] : [`${folder}: licence ${license ?? 'unknown'}`];
}

/** Both ways: a new script is to be looked at, and a line for one that is gone misleads. */
function scriptProblems(packages: readonly (readonly [string, LockedPackage])[]): string[] {
  const found = packages
    .filter(([, { hasInstallScript }]) => hasInstallScript === true)
    .map(([folder]) => nameOf(folder));
  const unknown = found.filter(name => !INSTALL_SCRIPTS.has(name));
  const gone = [...INSTALL_SCRIPTS.keys()].filter(name => !found.includes(name));
  return [
    ...unknown.map(name => `${name}: an install script that nobody has looked at`),
    ...gone.map(name => `${name}: listed for an install script that it does not have`),
  ];
}

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
